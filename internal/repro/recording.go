package repro

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
)

// Version of the JSON form of a [Recording].
const Version = 1

// recordingFile is the name of a recording in its directory, and maxRecording the largest size in bytes that is read.
const (
	recordingFile = "step.json"
	maxRecording  = 256 << 20
)

// Recording is what one step, or one element of a mapped step, was called with.
type Recording struct {
	Version  int    `json:"version"`
	Run      string `json:"run"`
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	Index    int    `json:"index"`   // of the element; -1 of a step that is not mapped
	Attempt  int    `json:"attempt"` // its number, 1 for the first
	// Pipe is the exact encoding of the pipeline's parameters, as the plan has it; Params are those of the step.
	Pipe    []byte        `json:"pipeline_params"`
	Params  []graph.Param `json:"params,omitempty"`
	Inputs  []Input       `json:"inputs,omitempty"`
	Sources []Source      `json:"sources,omitempty"`
	// Checkpoint that the step saved last; nil if it saved none, or has succeeded.
	Checkpoint *artifact.Record `json:"checkpoint,omitempty"`
	// Kind of the failure, as the worker reports it; empty if there was none.
	Kind string `json:"kind,omitempty"`
	// Timeout of an attempt; 0 is none. A call in a test has none: it may be in a debugger.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Home and Stack are where content is that is not in the recording's directory.
	Home  string `json:"home"`
	Stack string `json:"stack"`
	// WorkDir is the working directory of the run, relative to the package of the test; empty if it is that, or outside its module.
	WorkDir string `json:"work_dir,omitempty"`
}

// Input is a value that the step was called with.
type Input struct {
	Name   string          `json:"name"`
	Digest artifact.Digest `json:"digest"`
	// Record of the value, or of the list whose element it is.
	Record  artifact.Record `json:"record"`
	Element *int            `json:"element,omitempty"`
}

// Source is outside data that the step was called with.
type Source struct {
	plan.Pin
	// Copy is the name of a copy of a directory in that of the recording; empty if there is none. A copied file is like content of the
	// artifact store.
	Copy string `json:"copy,omitempty"`
}

// Read reads the recording in a directory. The error's code is NotFound, Corrupt or Unsupported.
func Read(dir string) (*Recording, error) {
	f, err := os.Open(filepath.Join(dir, recordingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, component.Errorf(component.NotFound, "no step is recorded in %s: %w", dir, err)
	}
	if err != nil {
		return nil, component.Errorf(component.Unavailable, "read the recorded step: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecording+1))
	if err != nil {
		return nil, component.Errorf(component.Unavailable, "read the recorded step: %w", err)
	}
	if len(data) > maxRecording {
		return nil, component.Errorf(component.Corrupt, "recorded step %s: it has more than %d bytes", f.Name(), maxRecording)
	}
	r, err := Parse(data)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "recorded step %s: %w", f.Name(), err)
	}
	return r, nil
}

// Parse reads the JSON form. The error's code is Corrupt, or Unsupported for another version.
func Parse(data []byte) (*Recording, error) {
	r := &Recording{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, component.Errorf(component.Corrupt, "%w", err)
	}
	if r.Version != Version {
		return nil, component.Errorf(component.Unsupported, "version %d is not supported, want %d: write it again with this version of Tenon", r.Version, Version)
	}
	for _, in := range r.Inputs {
		if err := in.check(); err != nil {
			return nil, component.Errorf(component.Corrupt, "input %.80s: %w", in.Name, err)
		}
	}
	for _, s := range r.Sources {
		if err := artifact.Digest(s.Digest).Validate(); err != nil {
			return nil, component.Errorf(component.Corrupt, "source %.80s: %w", s.Field, err)
		}
		if s.Copy != "" && !filepath.IsLocal(s.Copy) {
			return nil, component.Errorf(component.Corrupt, "source %.80s: its copy %.80q is outside the directory", s.Field, s.Copy)
		}
	}
	return r, nil
}

func (in Input) check() error {
	if err := in.Digest.Validate(); err != nil {
		return err
	}
	switch {
	case in.Element != nil && *in.Element < 0:
		return component.Errorf(component.Corrupt, "element %d", *in.Element)
	case in.Element == nil && in.Digest != in.Record.Digest:
		return component.Errorf(component.Corrupt, "its digest is %s, and that of its record %s", in.Digest, in.Record.Digest)
	}
	return nil
}

// json is the form that [Parse] reads.
func (r *Recording) json() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return nil, component.Errorf(component.Invalid, "write the recorded step: %w", err)
	}
	return b.Bytes(), nil
}

// Digest returns what an input or source is pinned to, by name.
func (r *Recording) Digest(name string) (artifact.Digest, bool) {
	for _, in := range r.Inputs {
		if in.Name == name {
			return in.Digest, true
		}
	}
	for _, s := range r.Sources {
		if s.Field == name {
			return artifact.Digest(s.Pin.Digest), true
		}
	}
	return "", false
}

package repro

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/internal/worker"
)

// Surroundings of a call.
type Surroundings struct {
	// Dir is the directory of the recording, absolute.
	Dir string
	// TempDir is for files of the call, and Written for content that it makes. The caller removes them.
	TempDir string
	Written artifact.Store
	// Store opens the artifact store that has the content which is not in Dir.
	Store func(ctx context.Context) (artifact.Store, error)
	// Resources that the step may ask for.
	Resources *scope.Resources
	// Logf is told what the step logs.
	Logf func(format string, args ...any)
}

// Perform calls the step of a program with what was recorded. The error says why it cannot be called; how the call ended is in the report.
// The timeout of the step does not count.
func (r *Recording) Perform(ctx context.Context, program *graph.Program, s Surroundings) (worker.Report, error) {
	c := call{Recording: r, Surroundings: s, program: program}
	if err := c.find(); err != nil {
		return worker.Report{}, err
	}
	c.store = &contents{Store: s.Written, dir: s.Dir, other: s.Store}
	inputs, err := c.inputs(ctx)
	if err != nil {
		return worker.Report{}, err
	}
	pins, err := c.pins()
	if err != nil {
		return worker.Report{}, err
	}
	h := &host{logf: s.Logf}
	_, err = worker.Perform(ctx, h, worker.Assignment{
		Attempt: r.Run + "-repro", Run: r.Run, Pipeline: r.Pipeline, Node: c.at, Step: r.Step, Index: r.Index, Number: r.Attempt,
		Key: r.key(), Inputs: inputs, Pins: pins, Checkpoint: r.Checkpoint,
	}, program, c.store, worker.Options{
		TempDir: filepath.Join(s.TempDir, "attempts"), Resources: s.Resources,
		Sources: func(tempDir func() (string, error)) ref.Opener {
			return &source.Opener{Pinner: &source.Pinner{Store: c.store}, TempDir: tempDir}
		},
	})
	return h.report, err
}

// key is the one of the run: an outside effect that happened then does not happen again.
func (r *Recording) key() string {
	if r.Index < 0 {
		return r.Run + "/" + r.Step
	}
	return r.Run + "/" + r.Step + "#" + strconv.Itoa(r.Index)
}

// Name of the step or element for people: "fit", "fit[3]".
func (r *Recording) Name() string {
	if r.Index < 0 {
		return r.Step
	}
	return fmt.Sprintf("%s[%d]", r.Step, r.Index)
}

// call is one call while it is prepared.
type call struct {
	*Recording
	Surroundings
	program *graph.Program
	at      int // of the node
	store   artifact.Store
}

// find finds the step in the program, and refuses one that takes something else now.
func (c *call) find() error {
	g := c.program.Graph
	for c.at = 0; c.at < len(g.Nodes) && g.Nodes[c.at].Name != c.Step; c.at++ {
	}
	if c.at == len(g.Nodes) {
		return component.Errorf(component.FailedPrecondition, "pipeline %s has no step %s any more", g.Pipeline, c.Step)
	}
	node := &g.Nodes[c.at]
	switch {
	case node.Wait != nil:
		return component.Errorf(component.FailedPrecondition, "step %s waits for a person now, and calls nothing", c.Step)
	case (node.Over != nil) != (c.Index >= 0):
		return component.Errorf(component.FailedPrecondition, "step %s is mapped over a list in one of the two: the recorded run, and the program now", c.Step)
	}
	return c.sameParams(node.Params)
}

// sameParams refuses a step that the program gives other parameters now.
func (c *call) sameParams(now []graph.Param) error {
	was := map[string]graph.Param{}
	for _, p := range c.Params {
		was[p.Name] = p
	}
	for _, p := range now {
		then, ok := was[p.Name]
		switch {
		case !ok:
			return component.Errorf(component.FailedPrecondition, "step %s has a parameter %s now, which it had not in the run", c.Step, p.Name)
		case then.Type != p.Type:
			return component.Errorf(component.FailedPrecondition, "parameter %s of step %s is of type %s now, and was of type %s", p.Name, c.Step, p.Type, then.Type)
		case !bytes.Equal(compact(then.Value), compact(p.Value)):
			return component.Errorf(component.FailedPrecondition, "parameter %s of step %s is %.200s now, from the same parameters of the pipeline, and was %.200s",
				p.Name, c.Step, compact(p.Value), compact(then.Value))
		}
		delete(was, p.Name)
	}
	for name := range was {
		return component.Errorf(component.FailedPrecondition, "step %s has no parameter %s any more", c.Step, name)
	}
	return nil
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// inputs are the records in the order of the node's inputs.
func (c *call) inputs(ctx context.Context) ([]artifact.Record, error) {
	node, bind := &c.program.Graph.Nodes[c.at], &c.program.Bindings[c.at]
	if len(node.Inputs) != len(c.Inputs) {
		return nil, component.Errorf(component.FailedPrecondition, "step %s takes other inputs now than in the run: %s, and not %s", c.Step,
			names(node.Inputs, func(i graph.Input) string { return i.Name }), names(c.Inputs, func(i Input) string { return i.Name }))
	}
	records := make([]artifact.Record, len(node.Inputs))
	for i, in := range c.Inputs {
		if in.Name != node.Inputs[i].Name {
			return nil, component.Errorf(component.FailedPrecondition, "step %s takes an input %s now where it took %s in the run", c.Step, node.Inputs[i].Name, in.Name)
		}
		port := bind.Inputs[i]
		var err error
		if records[i], err = c.input(ctx, in, bind); err != nil {
			return nil, component.Errorf(component.CodeOf(err), "input %s (%s): %w", in.Name, in.Digest, err)
		}
		if want, ok := port.Takes(records[i]); !ok {
			return nil, component.Errorf(component.FailedPrecondition, "input %s is of type %s in the run, and step %s takes %s now", in.Name, records[i].Type, c.Step, want)
		}
	}
	return records, nil
}

func names[T any](list []T, name func(T) string) string {
	if len(list) == 0 {
		return "none"
	}
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = name(v)
	}
	return strings.Join(all, ", ")
}

// input is the record of one input. That of an element of a list is made as the engine made it: the list is decoded, and the element encoded.
func (c *call) input(ctx context.Context, in Input, bind *graph.Binding) (artifact.Record, error) {
	if in.Element == nil {
		return in.Record, nil
	}
	list, err := transfer.Load(ctx, c.store, bind.Over.Codec, in.Record, func() (string, error) { return c.TempDir, nil })
	if err != nil {
		return artifact.Record{}, fmt.Errorf("read the list that it is an element of: %w", err)
	}
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice || *in.Element >= v.Len() {
		return artifact.Record{}, component.Errorf(component.Corrupt, "the list that it is an element of has no element %d", *in.Element)
	}
	rec, err := transfer.Save(ctx, c.store, bind.Over.Elem, bind.ElemType, v.Index(*in.Element).Interface())
	if err == nil && rec.Digest != in.Digest {
		err = component.Errorf(component.Corrupt, "the list that it is an element of holds %s in its place", rec.Digest)
	}
	return rec, err
}

// pins are the pins in the order of the sources.
func (c *call) pins() ([]ref.Pin, error) {
	bind := &c.program.Bindings[c.at]
	if len(bind.Sources) != len(c.Sources) {
		return nil, component.Errorf(component.FailedPrecondition, "step %s takes other sources now than in the run: %s, and not %s", c.Step,
			names(bind.Sources, func(s graph.Source) string { return s.Field }), names(c.Sources, func(s Source) string { return s.Field }))
	}
	pins := make([]ref.Pin, len(c.Sources))
	for i, s := range c.Sources {
		if s.Field != bind.Sources[i].Field {
			return nil, component.Errorf(component.FailedPrecondition, "step %s takes a source %s now where it took %s in the run", c.Step, bind.Sources[i].Field, s.Field)
		}
		pins[i] = s.Pin.Pin
		if s.Copy != "" {
			pins[i].URI = filepath.Join(c.Dir, filepath.FromSlash(s.Copy))
		}
	}
	return pins, nil
}

// host is what started the worker: nobody but the caller of Perform.
type host struct {
	logf   func(string, ...any)
	report worker.Report
}

// Claim implements [worker.Host].
func (h *host) Claim(context.Context, string) (worker.Assignment, error) {
	return worker.Assignment{}, component.Errorf(component.FailedPrecondition, "there is nothing to claim")
}

// Beat implements [worker.Host].
func (h *host) Beat(_ context.Context, b worker.Beat) error {
	for _, line := range b.Lines {
		h.logf("%s %s", line.Level, line.Message)
	}
	return nil
}

// Finish implements [worker.Host].
func (h *host) Finish(_ context.Context, r worker.Report) error {
	h.report = r
	return nil
}

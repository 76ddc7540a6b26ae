package trial

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
)

// File returns the path of a content in the artifact store of the default stack.
func (s *Site) File(d artifact.Digest) string {
	return filepath.Join(s.Home, "artifacts", "sha256", d.Hex()[:2], d.Hex()[2:])
}

// Content returns the digests of what the artifact store of the default stack has. It opens no store, which would remove what killed
// programs left.
func (s *Site) Content(t testing.TB) map[artifact.Digest]bool {
	t.Helper()
	all := map[artifact.Digest]bool{}
	root := filepath.Join(s.Home, "artifacts", "sha256")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(root, path)
			all[artifact.Digest("sha256:"+strings.ReplaceAll(filepath.ToSlash(rel), "/", ""))] = true
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// Intact checks that the bytes of every record are there. Like [Site.Content] it leaves everything as it is. It reads a file once, unless that
// changes.
func (s *Site) Intact(t testing.TB, r Records) {
	t.Helper()
	for d, of := range r.Content() {
		path := s.File(d)
		info, err := os.Stat(path)
		if err != nil {
			t.Errorf("%s is recorded, and has no bytes: %v", of, err)
			continue
		}
		state := fmt.Sprint(info.Size(), info.ModTime())
		if s.seen[d] == state {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil || artifact.NewDigest(sha256.Sum256(data)) != d {
			t.Errorf("%s is recorded, and its bytes are not those of %s: %v", of, d, err)
			continue
		}
		s.seen[d] = state
	}
}

// Content returns which contents of the artifact store are recorded, and as what.
func (r Records) Content() map[artifact.Digest]string {
	all := map[artifact.Digest]string{}
	var record func(what string, rec artifact.Record)
	record = func(what string, rec artifact.Record) {
		switch {
		case rec.Codec == artifact.GatherCodec:
			for i, e := range rec.Elements {
				record(fmt.Sprintf("element %d of %s", i, what), e)
			}
		case rec.Inline == nil:
			all[rec.Digest] = what
		}
	}
	for key, row := range r.Steps {
		for _, out := range row.Outputs {
			record(fmt.Sprintf("output %s of step %v", out.Name, key), out.Record)
		}
	}
	for _, run := range r.Runs {
		for name, rec := range run.Outputs {
			record(fmt.Sprintf("result %s of run %s", name, run.ID), rec)
		}
	}
	for _, a := range r.Attempts {
		for _, chunk := range append(a.Logs, a.Printed...) {
			if chunk.Digest != "" {
				all[chunk.Digest] = fmt.Sprintf("the log of attempt %d of step %v", a.Number, a.StepKey)
			}
		}
	}
	for _, c := range r.Checkpoints {
		record(fmt.Sprintf("the checkpoint of step %v", c.StepKey), c.Record)
	}
	return all
}

package artifacttest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/artifacttest"
	"github.com/tenon-ml/tenon/artifact/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mutantEnv = "ARTIFACTTEST_MUTANT"

// mutants are stores with one fault each, and the subtest that finds it.
func mutants() map[string]struct {
	finder string
	wrap   func(artifact.Store) artifact.Store
} {
	type mutant = struct {
		finder string
		wrap   func(artifact.Store) artifact.Store
	}
	return map[string]mutant{
		"forgets digest check": {"Digest/Malformed", func(s artifact.Store) artifact.Store { return lenient{s} }},
		"holds content":        {"Stream/PutAndRead", func(s artifact.Store) artifact.Store { return holder{s} }},
		"swallows errors":      {"Put/FailingReader", func(s artifact.Store) artifact.Store { return swallower{s} }},
		"ignores context":      {"Context/EndsDuringRead", func(s artifact.Store) artifact.Store { return deaf{s} }},
		"ignores after":        {"List/ChangesBetweenPages", func(s artifact.Store) artifact.Store { return stuck{s} }},
		"loses time":           {"Put/ModTime", func(s artifact.Store) artifact.Store { return timeless{s} }},
		"fails absent delete":  {"Open/NotFound", func(s artifact.Store) artifact.Store { return strict{s} }},
	}
}

type lenient struct{ artifact.Store }

func (s lenient) Stat(ctx context.Context, d artifact.Digest) (artifact.Info, error) {
	return s.Store.Stat(ctx, artifact.Digest(strings.ToLower(string(d))))
}

type holder struct{ artifact.Store }

func (s holder) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return artifact.Info{}, err
	}
	info, err := s.Store.Put(ctx, bytes.NewReader(content))
	_, _ = r.Read(content[:1]) // keeps content in use
	return info, err
}

type swallower struct{ artifact.Store }

func (s swallower) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	return s.Store.Put(ctx, quiet{r})
}

type quiet struct{ io.Reader }

func (q quiet) Read(p []byte) (int, error) {
	n, err := q.Reader.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

type deaf struct{ artifact.Store }

func (s deaf) Open(ctx context.Context, d artifact.Digest) (io.ReadCloser, error) {
	return s.Store.Open(context.WithoutCancel(ctx), d)
}

type stuck struct{ artifact.Store }

func (s stuck) List(ctx context.Context, after artifact.Digest, limit int) ([]artifact.Info, error) {
	if after != "" && after.Validate() == nil {
		return nil, nil
	}
	return s.Store.List(ctx, after, limit)
}

type timeless struct{ artifact.Store }

func (s timeless) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	info, err := s.Store.Put(ctx, r)
	info.ModTime = time.Unix(1, 0)
	return info, err
}

type strict struct{ artifact.Store }

func (s strict) Delete(ctx context.Context, d artifact.Digest) error {
	if _, err := s.Store.Stat(ctx, d); err != nil {
		return errors.New("nothing to delete")
	}
	return s.Store.Delete(ctx, d)
}

// TestMutant runs the suite on a faulty store, in a process that TestSuiteFindsFaults started.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantEnv)
	if name == "" {
		t.Skip("run by TestSuiteFindsFaults")
	}
	artifacttest.Run(t, artifacttest.Harness{StreamSize: 64 << 20, Open: func(t *testing.T) artifact.Store {
		store, err := local.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return mutants()[name].wrap(store)
	}})
}

// The suite is only worth something if faulty stores fail it.
func TestSuiteFindsFaults(t *testing.T) {
	t.Parallel()
	for name, mutant := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			finder := "TestMutant/" + mutant.finder
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$/^"+strings.ReplaceAll(mutant.finder, "/", "$/^")+"$")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("--- FAIL: "+finder)) {
				t.Errorf("%s did not fail (%v):\n%s", finder, err, out)
			}
		})
	}
}

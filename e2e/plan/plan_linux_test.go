package plan

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// TestPenguins edits one helper of the penguins example after the other. Plan must name the helper and the steps that depend on it, and no
// others, and the run must do exactly that.
func TestPenguins(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the example four times")
	}
	t.Parallel()
	c := checkout(t)
	c.run("run")
	if p := c.plan(); p.Runs() {
		t.Errorf("nothing changed, and the plan is %+v", p.Steps)
	}
	for _, e := range []struct {
		helper    string
		file      string
		old, new  string
		runs, may string // steps: those that are certain to run, and those that take something from one
		then      string // of those, the ones that run
	}{
		{"curve", "plot.go", `"epoch"`, `"epochs"`, "plot", "report", "report"},
		{"writePage", "report.go", "	if err != nil {\n		return err\n	}\n", "	if err != nil {\n		return fmt.Errorf(\"page: %w\", err)\n	}\n", "report", "", ""},
		{"softmax", "train.go", "floats.AddConst(-floats.LogSumExp(scores), scores)", "most := floats.LogSumExp(scores)\n	floats.AddConst(-most, scores)", "train evaluate plot", "report", ""},
	} {
		t.Run(e.helper, func(t *testing.T) {
			c.edit(t, e.file, e.helper, e.old, e.new)
			p := c.plan()
			got := map[string][]string{}
			for _, s := range p.Steps {
				got[string(s.Action)] = append(got[string(s.Action)], s.Name)
				if s.Action != pipeline.ActionRun {
					continue
				}
				if len(s.Changes) != 1 || s.Changes[0].File != "penguins/"+e.file || !strings.HasSuffix(s.Changes[0].Name, "."+e.helper) || s.Changes[0].Line == 0 {
					t.Errorf("step %s would run because of %+v, want func %s of %s", s.Name, s.Changes, e.helper, e.file)
				}
			}
			if runs, may := strings.Join(got["run"], " "), strings.Join(got["depends"], " "); runs != e.runs || may != e.may {
				t.Errorf("%q would run and %q may, want %q and %q", runs, may, e.runs, e.may)
			}
			ran := strings.Join(strings.Fields(e.runs+" "+e.then), " ")
			if diff := cmp.Diff(ran, strings.Join(c.ran(), " ")); diff != "" {
				t.Errorf("what ran (-want +got):\n%s", diff)
			}
			if p := c.plan(); p.Runs() {
				t.Errorf("it ran, and the plan is %+v", p.Steps)
			}
		})
	}
}

// copied is a copy of this module and the examples, with a home beside it.
type copied struct {
	testing.TB
	dir string
	env []string
}

func checkout(t testing.TB) copied {
	t.Helper()
	c := copied{t, t.TempDir(), append(os.Environ(), "TENON_HOME="+t.TempDir(), "GOFLAGS=-mod=readonly", "GOWORK=")}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "e2e" || name == "bench" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if name == "go.work" {
			data = []byte("go 1.26.0\n\nuse (\n\t.\n\t./examples\n)\n")
		}
		if err != nil {
			return err
		}
		return c.write(name, data)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c copied) write(name string, data []byte) error {
	path := filepath.Join(c.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// edit replaces a text within the function that is called helper.
func (c copied) edit(t *testing.T, file, helper, before, after string) {
	t.Helper()
	name := "examples/penguins/" + file
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	ahead, body, found := bytes.Cut(data, []byte("\nfunc "+helper+"("))
	edited := bytes.Replace(body, []byte(before), []byte(after), 1)
	if !found || bytes.Equal(body, edited) {
		t.Fatalf("func %s of %s has no %q", helper, file, before)
	}
	if err := c.write(name, bytes.Join([][]byte{ahead, edited}, []byte("\nfunc "+helper+"("))); err != nil {
		t.Fatal(err)
	}
}

// run calls the program as a person does, and returns what it prints.
func (c copied) run(args ...string) []byte {
	c.Helper()
	<-time.After(80 * time.Millisecond) // the clock that stamps files goes on between an edit and the run that a person starts
	cmd := exec.CommandContext(c.Context(), "go", append([]string{"run", "./examples/penguins"}, args...)...)
	cmd.Dir, cmd.Env = c.dir, append(slices.Clone(c.env), "PWD="+c.dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		c.Fatalf("penguins %v: %v\n%s", args, err, errs.Bytes())
	}
	return out
}

func (c copied) plan() (p pipeline.Plan) {
	c.Helper()
	if err := json.Unmarshal(c.run("plan", "-o", "json"), &p); err != nil {
		c.Fatal(err)
	}
	return p
}

// ran runs the pipeline and returns the steps that did not come from the cache.
func (c copied) ran() (steps []string) {
	c.Helper()
	var view struct {
		Steps []struct {
			Step  string             `json:"step"`
			State metadata.StepState `json:"state"`
		} `json:"steps"`
	}
	if err := json.Unmarshal(c.run("run", "-o", "json"), &view); err != nil {
		c.Fatal(err)
	}
	for _, s := range view.Steps {
		if s.State != metadata.StepCached {
			steps = append(steps, s.Step)
		}
	}
	return steps
}

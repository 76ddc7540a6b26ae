package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

type fitParams struct {
	LR       float64         `doc:"learning rate"`
	Epochs   int             `doc:"passes over the data"`
	Verbose  bool            `doc:"log more"`
	Name     string          `doc:"name of the model"`
	MaxWait  time.Duration   `doc:"longest wait for the data"`
	CSV      artifact.Source `doc:"measurements: a file or a URL"`
	Layers   []int           `doc:"neurons of each layer"`
	TinySize int8            `doc:"a small number"`
}

func (p fitParams) Validate() error {
	if p.LR <= 0 {
		return errors.New("lr: must be positive")
	}
	return nil
}

type fitIn struct {
	LR     float64
	Epochs int
}

func fitModel(context.Context, fitIn) (artifact.Ref[float64], error) { return artifact.New(0.5), nil }

func fitPipeline(name string) pipeline.Definition {
	return pipeline.Define(name, func(p *pipeline.Builder, in fitParams) artifact.Ref[float64] {
		return pipeline.Step(p, "fit", fitModel, fitIn{LR: in.LR, Epochs: in.Epochs})
	}, pipeline.Defaults(fitParams{LR: 0.1, Epochs: 10, Layers: []int{8, 4}, MaxWait: time.Minute}), pipeline.Doc("fits a model"))
}

// testFlavors are flavors that nobody opens.
func testFlavors() []component.Flavor {
	type config struct {
		Path string     `yaml:"path" doc:"directory that holds the artifacts"`
		Size step.Bytes `yaml:"size" doc:"largest size of all"`
	}
	return []component.Flavor{
		component.New("local", artifact.Kind, config{Path: "artifacts"}, func(context.Context, config, component.Env) (artifact.Store, error) {
			return nil, errors.New("opened")
		}).WithDoc("artifacts in a directory"),
		component.New("local", orchestrator.Kind, struct{}{}, func(context.Context, struct{}, component.Env) (orchestrator.Orchestrator, error) {
			return nil, errors.New("opened")
		}),
	}
}

// outcome of one command line.
type outcome struct {
	code     int
	out, err string
	opened   bool
}

// try runs a command line of a program whose client must not be opened: bad input leaves no trace.
func try(t *testing.T, pipelines []pipeline.Definition, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	var o outcome
	app := App{
		Program: "tenon", Pipelines: pipelines, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Flavors: testFlavors(),
		Open: func(context.Context, Options) (Client, error) {
			o.opened = true
			return nil, errors.New("the client was opened")
		},
	}
	if len(pipelines) > 0 {
		app.Program = "prog"
	}
	o.code = newCLI(app).run(t.Context(), args, nil)
	o.out, o.err = out.String(), errs.String()
	return o
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := []pipeline.Definition{fitPipeline("fit")}
	two := []pipeline.Definition{fitPipeline("fit"), fitPipeline("evaluate")}
	huge := strings.Repeat("x", 1<<20)
	yaml := func(name, text string) []string { return []string{"run", "--config", file(name+".yaml", text)} }
	stackFile := func(name, artifacts string) string {
		return file(name+".yaml", "name: mine\norchestrator: {flavor: local}\nartifact_store: "+artifacts+"\n")
	}
	good := stackFile("good", "{flavor: local}")
	tests := []struct {
		name      string
		pipelines []pipeline.Definition
		args      []string
	}{
		{"unknown command", one, []string{"grpah"}},
		{"unknown command far", one, []string{"frobnicate"}},
		{"command of tenon", one, []string{"stack", "list"}},
		{"command of tenon with its flag", one, []string{"stack", "set", "a", "--file", "a.yaml"}},
		{"command of tenon on runs", one, []string{"approve", "LAST"}},
		{"runs that were", one, []string{"run", "show", "LAST"}},
		{"pipeline as command", two, []string{"evaluate"}},
		{"huge command", one, []string{huge}},
		{"empty command", one, []string{""}},
		{"missing pipeline", two, nil},
		{"missing pipeline run", two, []string{"run"}},
		{"missing pipeline graph", two, []string{"graph"}},
		{"unknown pipeline", two, []string{"run", "evalute"}},
		{"unknown pipeline far", two, []string{"graph", "nothing"}},
		{"too many pipelines", one, []string{"run", "fit", "fit"}},
		{"unknown flag", one, []string{"--nocache"}},
		{"parameter as flag", one, []string{"--epochs=3"}},
		{"parameter as flag of a command", two, []string{"run", "fit", "--lr", "3"}},
		{"unknown flag far", one, []string{"run", "--zzzzzz"}},
		{"unknown short flag", one, []string{"run", "-x"}},
		{"huge flag", one, []string{"--" + huge}},
		{"bad flag", one, []string{"run", "--=3"}},
		{"flag without value", one, []string{"run", "--set"}},
		{"set without value", one, []string{"--set", "lr"}},
		{"set without name", one, []string{"--set", "=3"}},
		{"set empty", one, []string{"--set", ""}},
		{"set unknown", one, []string{"--set", "lrr=3"}},
		{"set wrong type", one, []string{"--set", "epochs=many"}},
		{"set fraction", one, []string{"--set", "epochs=1.5"}},
		{"set empty value", one, []string{"--set", "epochs="}},
		{"set bool", one, []string{"--set", "verbose=maybe"}},
		{"set duration", one, []string{"--set", "max_wait=long"}},
		{"set too large", one, []string{"--set", "tiny_size=300"}},
		{"set huge number", one, []string{"--set", "epochs=99999999999999999999"}},
		{"set huge", one, []string{"--set", "epochs=" + huge}},
		{"set list", one, []string{"--set", "layers=[1, x]"}},
		{"set invalid", one, []string{"--set", "lr=-1"}},
		{"name empty", one, []string{"--name", ""}},
		{"name huge", one, []string{"--name", huge}},
		{"name control", one, []string{"--name", "a\x1b[31m"}},
		{"stack empty", one, []string{"--stack="}},
		{"tag without value", one, []string{"--tag", "vision"}},
		{"tag without key", one, []string{"--tag", "=vision"}},
		{"tag huge", one, []string{"--tag", "a=" + huge}},
		{"parallel zero", one, []string{"--parallel", "0"}},
		{"parallel negative", one, []string{"--parallel=-1"}},
		{"parallel word", one, []string{"--parallel", "many"}},
		{"parallel huge", one, []string{"--parallel", "99999999999"}},
		{"no-cache word", one, []string{"--no-cache=perhaps"}},
		{"output", one, []string{"-o", "yaml"}},
		{"graph format", one, []string{"graph", "--format", "png"}},
		{"config missing", one, []string{"--config", filepath.Join(dir, "missing.yaml")}},
		{"config directory", one, []string{"--config", dir}},
		{"config empty name", one, []string{"--config", ""}},
		{"config huge", one, yaml("huge", "# "+huge)},
		{"config no yaml", one, yaml("broken", "a: [1")},
		{"config unknown key", one, yaml("unknown", "name: x\nparallels: 3\n")},
		{"config unknown param", one, yaml("param", "params:\n  epoch: 3\n")},
		{"config param type", one, yaml("type", "params:\n  lr: fast\n")},
		{"config type", one, yaml("parallel", "parallel: many\n")},
		{"config range", one, yaml("range", "parallel: -4\n")},
		{"config mode", one, yaml("mode", "on_failure: explode\n")},
		{"config list", one, yaml("list", "- a\n- b\n")},
		{"config duplicate", one, yaml("duplicate", "name: a\nname: b\n")},
		{"config timeout", one, yaml("timeout", "timeout: soon\n")},
		{"config step retry", one, yaml("retry", "steps:\n  fit: {retry: {attempts: -1}}\n")},
		{"tenon unknown command", nil, []string{"runs"}},
		{"tenon unknown subcommand", nil, []string{"run", "shw"}},
		{"tenon subcommand without its group", nil, []string{"resume", "LAST"}},
		{"tenon subcommand of several groups", nil, []string{"show", "LAST"}},
		{"tenon show nothing", nil, []string{"run", "show"}},
		{"tenon show too much", nil, []string{"run", "show", "a", "b"}},
		{"tenon show empty", nil, []string{"run", "show", ""}},
		{"tenon show huge", nil, []string{"run", "show", huge}},
		{"tenon state", nil, []string{"run", "list", "--state", "broken"}},
		{"tenon limit", nil, []string{"run", "list", "--limit", "0"}},
		{"tenon limit large", nil, []string{"run", "list", "--limit", "5000"}},
		{"tenon delete nothing", nil, []string{"run", "delete"}},
		{"tenon delete both", nil, []string{"run", "delete", "LAST", "--older-than", "30d"}},
		{"tenon delete without unit", nil, []string{"run", "delete", "--older-than", "30"}},
		{"tenon delete keep none", nil, []string{"run", "delete", "--keep-last", "0"}},
		{"tenon delete what runs", nil, []string{"run", "delete", "--state", "running"}},
		{"tenon delete dry with gc", nil, []string{"run", "delete", "--older-than", "1w", "--dry-run", "--gc"}},
		{"tenon gc argument", nil, []string{"gc", "now"}},
		{"tenon gc grace", nil, []string{"gc", "--grace", "soon"}},
		{"tenon gc grace unit", nil, []string{"gc", "--grace", "3y"}},
		{"tenon gc grace negative", nil, []string{"gc", "--grace=-1h"}},
		{"tenon gc grace fraction", nil, []string{"gc", "--grace", "1.5h"}},
		{"tenon gc grace huge", nil, []string{"gc", "--grace", "99999999999999999999d"}},
		{"tenon gc grace overflow", nil, []string{"gc", "--grace", "36500d1s"}},
		{"tenon cache unknown", nil, []string{"cache", "purge"}},
		{"tenon cache list older", nil, []string{"cache", "list", "--older-than", "d"}},
		{"tenon cache prune nothing", nil, []string{"cache", "prune"}},
		{"tenon cache prune nothing but yes", nil, []string{"cache", "prune", "--yes"}},
		{"tenon cache prune all and some", nil, []string{"cache", "prune", "--all", "--pipeline", "fit"}},
		{"tenon cache prune not all", nil, []string{"cache", "prune", "--all=false"}},
		{"tenon cache prune size", nil, []string{"cache", "prune", "--keep-size", "much"}},
		{"tenon cache prune size negative", nil, []string{"cache", "prune", "--keep-size=-1"}},
		{"tenon cache prune dry with gc", nil, []string{"cache", "prune", "--all", "--dry-run", "--gc"}},
		{"tenon get nothing", nil, []string{"artifact", "get"}},
		{"tenon get form", nil, []string{"artifact", "get", "LAST/load", "--as", "yaml"}},
		{"tenon list name", nil, []string{"artifact", "list", "--name", "Model"}},
		{"tenon list name with version", nil, []string{"artifact", "list", "--name", "penguins/Model@2"}},
		{"tenon diff one", nil, []string{"run", "diff", "LAST"}},
		{"tenon diff three", nil, []string{"run", "diff", "a", "b", "c"}},
		{"tenon diff empty", nil, []string{"run", "diff", "a", ""}},
		{"tenon new nothing", nil, []string{"new"}},
		{"tenon new two", nil, []string{"new", "a", "b"}},
		{"tenon new above", nil, []string{"new", ".."}},
		{"tenon new path", nil, []string{"new", "a/b"}},
		{"tenon new escape", nil, []string{"new", "a\x1b[2J"}},
		{"tenon new huge", nil, []string{"new", huge}},
		{"tenon new standard", nil, []string{"new", "log"}},
		{"tenon new device", nil, []string{"new", "con"}},
		{"tenon new module", nil, []string{"new", "birds", "--module", "example.com/../birds"}},
		{"tenon new full", nil, []string{"new", "birds", "--dir", dir}},
		{"tenon new below nothing", nil, []string{"new", "birds", "--dir", filepath.Join(dir, "none", "birds")}},
		{"tenon new source", nil, []string{"new", "birds", "--dir", filepath.Join(dir, "birds"), "--replace", dir}},
		{"program new", one, []string{"new", "birds"}},
		{"tenon level", nil, []string{"run", "logs", "LAST", "--level", "loud"}},
		{"tenon stack set without file", nil, []string{"stack", "set", "a"}},
		{"tenon stack set missing file", nil, []string{"stack", "set", "a", "--file", filepath.Join(dir, "none.yaml")}},
		{"tenon stack set default", nil, []string{"stack", "set", "default", "--file", good}},
		{"tenon stack set other name", nil, []string{"stack", "set", "prod", "--file", good}},
		{"tenon stack unknown flavor", nil, []string{"stack", "validate", "--file", stackFile("flavor", "{flavor: locall}")}},
		{"tenon stack unknown key", nil, []string{"stack", "set", "mine", "--file", stackFile("key", "{flavor: local, config: {pth: x}}")}},
		{"tenon stack wrong type", nil, []string{"stack", "set", "mine", "--file", stackFile("typed", "{flavor: local, config: {size: much}}")}},
		{"tenon stack file and name", nil, []string{"stack", "validate", "mine", "--file", good}},
		{"tenon stack delete default", nil, []string{"stack", "delete", "default", "--yes"}},
		{"tenon flavor unknown", nil, []string{"flavor", "show", "nothing"}},
		{"tenon completion", nil, []string{"completion", "tcsh"}},
		{"tenon version argument", nil, []string{"version", "now"}},
	}
	var all strings.Builder
	for _, test := range tests {
		o := try(t, test.pipelines, test.args...)
		if o.code != exitUsage || o.opened || o.out != "" {
			t.Errorf("%s: exit code %d, opened %v, stdout %q, stderr %q: want exit code 2 and nothing else", test.name, o.code, o.opened, o.out, clipBytes(o.err, 300))
		}
		if lines := strings.Count(o.err, "\n"); lines != 1 || len(o.err) > 400 {
			t.Errorf("%s: %d bytes in %d lines, want one short line: %.600s", test.name, len(o.err), lines, o.err)
		}
		all.WriteString(test.name + "\n  " + strings.ReplaceAll(clipBytes(o.err, 500), dir, "DIR"))
	}
	golden(t, "badinput.txt", all.String())
}

package cli

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/pipeline"
)

// refuses asks for exit code 2 and one short line that names what is wrong, before anything is opened.
func refuses(t *testing.T, name string, pipelines []pipeline.Definition, args ...string) {
	t.Helper()
	o := try(t, pipelines, args...)
	switch {
	case o.code != exitUsage || o.opened || o.out != "":
		t.Errorf("%.80q: exit code %d, opened %v, stdout %.80q, stderr %.200q", args, o.code, o.opened, o.out, o.err)
	case strings.Count(o.err, "\n") != 1 || len(o.err) > 400:
		t.Errorf("%.80q: want one short line, got %.500q", args, o.err)
	case !strings.Contains(o.err, name):
		t.Errorf("%.80q: %q does not name %s", args, o.err, name)
	}
}

// TestEveryFlagRefusesNonsense gives every flag of every command values that mean nothing.
func TestEveryFlagRefusesNonsense(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for _, pipelines := range [][]pipeline.Definition{nil, {fitPipeline("fit")}, {fitPipeline("fit"), fitPipeline("evaluate")}} {
		app := App{Program: "program", Pipelines: pipelines, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
		checked := 0
		var walk func(cmd *cobra.Command)
		walk = func(cmd *cobra.Command) {
			path := strings.Fields(cmd.CommandPath())[1:]
			check := func(f *pflag.Flag) {
				values := []string{"", huge, "a\x1b[2Jb"}
				if f.Value.Type() == "bool" {
					values = []string{"perhaps", huge, "2"}
				}
				for _, v := range values {
					if f.Name == "set" && v != "" {
						v = "=" + v
					}
					refuses(t, "--"+f.Name, pipelines, append(path[:len(path):len(path)], "--"+f.Name+"="+v)...)
					checked++
				}
			}
			cmd.NonInheritedFlags().VisitAll(check)
			cmd.InheritedFlags().VisitAll(check)
			for _, sub := range cmd.Commands() {
				walk(sub)
			}
		}
		walk(newCLI(app).root())
		if checked < 50 {
			t.Errorf("only %d values were tried", checked)
		}
	}
}

// TestEveryKeyRefusesOtherTypes gives every key of a run's configuration, and every parameter, a value that it cannot take.
func TestEveryKeyRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	run := func(name, text string) {
		var out, errs bytes.Buffer
		app := App{Program: "prog", Pipelines: []pipeline.Definition{fitPipeline("fit")}, Stdin: strings.NewReader(text), Stdout: &out, Stderr: &errs}
		code := newCLI(app).run(t.Context(), []string{"--config", "-"}, nil)
		line := strings.Split(errs.String(), "\n")[0]
		if code != exitUsage || out.Len() > 0 || !strings.HasPrefix(line, "error: standard input:") || !strings.Contains(line, name) || len(line) > 400 {
			t.Errorf("%.80q: exit code %d, stdout %q, stderr %.400q", text, code, out.String(), errs.String())
		}
	}
	huge := strings.Repeat("9", 100_000)
	for _, f := range strictyaml.Fields(reflect.TypeFor[pipeline.RunConfig]()) {
		key, _, _ := strings.Cut(f.Name, ".")
		run(key, key+": [[1]]")
		run(key, key+": "+huge+"\n"+key+": 1")
	}
	for _, f := range strictyaml.Fields(reflect.TypeFor[fitParams]()) {
		run("params."+f.Name, "params: {"+f.Name+": {zzz: [1]}}")
		if f.Type.Kind() != reflect.String && f.Name != "csv" {
			run("params."+f.Name, "params: {"+f.Name+": zzz}")
			run("params."+f.Name, "params: {"+f.Name+": "+huge+"}")
		}
	}
}

package repro

import (
	"bytes"
	"fmt"
	"go/format"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

const (
	testPrefix = "TestRepro_"
	// maxShown is the largest size in bytes of a text that the test shows. A longer one is cut: the test compares its beginning.
	maxShown = 2000
)

// DefaultName is what the test of a step is called if nobody says otherwise: the step's name, as far as a Go name can hold it.
func (c *Case) DefaultName() string {
	name := strings.TrimSuffix(c.Recording.Name(), "]")
	return strings.Map(func(r rune) rune {
		if inName(r) {
			return r
		}
		return '_'
	}, name)
}

func inName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
}

// CheckName reports a name that no test can have. The error's code is Invalid.
func CheckName(name string) error {
	if name != "" && len(name) <= 120 && !strings.ContainsFunc(name, func(r rune) bool { return !inName(r) }) && name[0] != '_' {
		return nil
	}
	return component.Errorf(component.Invalid, "%.40q cannot be the end of a test's name: use letters, digits and '_', beginning with a letter or digit", name)
}

// fileName is the file of a test. It does not end like those that are built for one system only, as linux_test.go does.
func fileName(name string) string { return name + "_repro_test.go" }

// dataDir is where a test has its data, relative to its package.
func dataDir(name string) string { return path.Join("testdata", "repro", name) }

// source is the Go file of the test.
func (c *Case) source(p Place, name string, contents []Content) ([]byte, error) {
	w := &writer{}
	w.line("package %s", p.Package)
	w.line("")
	w.line("import (")
	w.line("%q", "testing")
	w.line("")
	if len(c.Inputs)+len(c.Sources)+len(c.Outputs()) > 0 {
		w.line("%q", "github.com/tenon-ml/tenon/artifact")
	}
	w.line("%q", "github.com/tenon-ml/tenon/pipeline/pipelinetest")
	w.line(")")
	w.line("")
	c.describe(w, testPrefix+name)
	w.line("func %s%s(t *testing.T) {", testPrefix, name)
	w.line("pipelinetest.Repro(t.Context(), t, %s, pipelinetest.Recorded{", p.Expr)
	w.line("Dir: %q,", dataDir(name))
	w.line("Run: %q,", c.Run.ID)
	w.line("Step: %q,", c.Recording.Name())
	c.pins(w, contents)
	c.expected(w)
	w.line("})")
	w.line("}")
	formatted, err := format.Source(w.Bytes())
	if err != nil {
		return nil, component.Errorf(component.Invalid, "the test would be no Go file: %w", err)
	}
	return formatted, nil
}

// describe writes the comment of the test.
func (c *Case) describe(w *writer, test string) {
	run := c.Run
	w.comment("%s calls step %s of pipeline %s with what it was called with in run %s, of %s. Run it, or debug it, here:",
		test, c.Recording.Name(), run.Pipeline, run.ID, run.Created.UTC().Format("2006-01-02 15:04 MST"))
	w.comment("")
	w.code("go test -run '^%s$' .", test)
	w.code("dlv test . -- -test.run '^%s$'", test)
	if r := run.Driver.Program.Revision; r != "" {
		w.comment("")
		changes := ""
		if run.Driver.Program.Modified {
			changes = ", perhaps with changes that were not committed"
		}
		w.comment("The source was at revision %s%s.", r, changes)
	}
	if len(c.Params) > 0 {
		w.comment("")
		w.comment("The parameters of the step:")
		w.comment("")
		for _, p := range c.Params {
			w.code("%s = %s", p.Name, compact(p.Value))
		}
	}
	if c.Planned.Config.External == step.On {
		w.comment("")
		w.comment("The step has effects outside: each call of the test has them, too.")
	}
	w.comment("")
	switch {
	case c.Failed():
		w.comment("There it failed, in attempt %d:", c.Attempt.Number)
		w.comment("")
		w.code("%s", cut(c.Attempt.Error))
	case c.Outputs() != nil:
		w.comment("There it succeeded.")
	default:
		w.comment("There it had not ended by itself: it is %s.", c.Step.State)
	}
	w.comment("")
	w.comment("Written by \"tenon run repro\", and free to be changed.")
}

// pins writes the digests of what the step is called with.
func (c *Case) pins(w *writer, contents []Content) {
	if len(c.Inputs)+len(c.Sources) == 0 {
		return
	}
	w.line("Inputs: map[string]artifact.Digest{")
	for _, in := range contents {
		if in.record == c.Checkpoint && c.Checkpoint != nil {
			continue
		}
		w.line("%q: %q, // %s", in.Name, in.Digest, oneLine(in.about()))
	}
	w.line("},")
}

// about says in a few words what an input is.
func (in Content) about() string {
	parts := []string{step.Bytes(in.Size).String()}
	if in.record != nil {
		if rows, ok := in.record.Meta["rows"]; ok {
			parts = append(parts, fmt.Sprintf("%v rows", rows))
		}
		if n := len(in.record.Elements); n > 0 {
			parts = append(parts, fmt.Sprintf("%d elements", n))
		}
	}
	if in.record == nil {
		parts = append(parts, path.Base(filepath.ToSlash(in.About))) // the rest is of this machine
	} else if in.About != "" {
		parts = append(parts, in.About)
	}
	if !in.Copied {
		parts = append(parts, "not copied")
	}
	return strings.Join(parts, ", ")
}

// expected writes how the step ended.
func (c *Case) expected(w *writer) {
	if c.Failed() {
		w.line("Error: %s,", literal(cut(c.Attempt.Error)))
	}
	outputs := c.Outputs()
	if len(outputs) == 0 {
		return
	}
	w.line("Outputs: map[string]artifact.Digest{")
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		w.line("%q: %q,", name, outputs[name])
	}
	w.line("},")
}

func cut(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "")
}

// literal writes a text of several lines as people read it, where Go can.
func literal(text string) string {
	if strings.Contains(text, "\n") && strconv.CanBackquote(strings.ReplaceAll(text, "\n", "")) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// writer writes Go.
type writer struct{ bytes.Buffer }

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// width is how long a line of a comment may be.
const width = 110

// comment writes a paragraph, wrapped.
func (w *writer) comment(format string, args ...any) {
	line := "//"
	for _, word := range strings.Fields(oneLine(fmt.Sprintf(format, args...))) {
		if len(line)+len(word) >= width && line != "//" {
			w.line("%s", line)
			line = "//"
		}
		line += " " + word
	}
	w.line("%s", line)
}

// code writes lines that stay as they are.
func (w *writer) code(format string, args ...any) {
	for line := range strings.Lines(cut(fmt.Sprintf(format, args...))) {
		w.line("%s", strings.TrimRight("//\t"+oneLine(strings.TrimRight(line, "\r\n")), " \t"))
	}
}

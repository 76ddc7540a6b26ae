package command

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/ref"
)

// command is a Spec that was checked against the types of a step's input and output.
type command struct {
	args          []template
	env           []variable
	inherit       []string
	reads, writes *part // standard input and output
	fields        map[string]field
	outputs       []output
}

type variable struct {
	name  string
	value template
}

// compiler collects mistakes.
type compiler struct {
	command
	mistakes []ref.Mistake
	used     map[string]bool // fields of the input
	params   bool            // {params} is used
}

func (c *compiler) mistake(field string, err error) {
	c.mistakes = append(c.mistakes, ref.Mistake{Field: field, Err: err})
}

func compile(spec Spec, in, out reflect.Type) (*command, []ref.Mistake) {
	c := &compiler{command: command{fields: map[string]field{}}, used: map[string]bool{}}
	if in.Kind() != reflect.Struct || ref.IsRef(in) || ref.IsSource(in) {
		c.mistake("In", fmt.Errorf("the input is of type %v: use a struct whose fields the command names", in))
		return nil, c.mistakes
	}
	c.inputFields(in)
	c.outputFields(out)
	c.program(spec)
	c.variables(spec)
	c.streams(spec)
	c.files(spec)
	if c.args != nil {
		c.unused(in)
	}
	slices.SortStableFunc(c.mistakes, func(a, b ref.Mistake) int { return cmp.Compare(rank(a.Field), rank(b.Field)) })
	return &c.command, c.mistakes
}

func (c *compiler) program(spec Spec) {
	if len(spec.Args) == 0 || spec.Args[0] == "" {
		c.mistake("Command.Args", errors.New("no program: its name is the first of Args"))
		return
	}
	for i, arg := range spec.Args {
		c.args = append(c.args, c.template(fmt.Sprintf("Command.Args[%d]", i), arg))
	}
}

func (c *compiler) variables(spec Spec) {
	own := func(place, name string) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			c.mistake(place, errors.New("the name of a variable must not be empty, nor hold = or NUL"))
		case slices.Contains(reserved(), name):
			c.mistake(place, errors.New("the variable is set by Tenon"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		place := fmt.Sprintf("Command.Env[%s]", name)
		own(place, name)
		c.env = append(c.env, variable{name, c.template(place, spec.Env[name])})
	}
	for i, name := range spec.Inherit {
		own(fmt.Sprintf("Command.Inherit[%d]", i), name)
	}
	c.inherit = spec.Inherit
}

func (c *compiler) streams(spec Spec) {
	c.reads = c.stream("Command.Stdin", spec.Stdin, false)
	c.writes = c.stream("Command.Stdout", spec.Stdout, true)
}

// stream returns the placeholder that a text consists of.
func (c *compiler) stream(place, text string, output bool) *part {
	if text == "" {
		return nil
	}
	t := c.template(place, text)
	if t == nil {
		return nil // reported
	}
	what := "the path of one input, {Field}"
	if output {
		what = "one output that is a file, {out.Field}"
	}
	if p := t[0]; len(t) == 1 && p.name != "" && p.out == output && c.isFile(p) {
		return &p
	}
	c.mistake(place, fmt.Errorf("%.60q: write the placeholder of %s, and nothing else", text, what))
	return nil
}

// isFile reports whether a placeholder is the path of a file.
func (c *compiler) isFile(p part) bool {
	if p.out {
		return slices.ContainsFunc(c.outputs, func(o output) bool { return o.name == p.name && o.form != formDir })
	}
	f, ok := c.fields[p.name]
	switch {
	case !ok:
		return p.name == paramsName
	case f.kind == kindRef:
		return form(p.suffix) != formValue && f.forms[0] != formDir
	}
	return f.kind == kindSource
}

func (c *compiler) files(spec Spec) {
	names := slices.Sorted(maps.Keys(spec.Files))
	for _, name := range names {
		place := fmt.Sprintf("Command.Files[%s]", name)
		if !filepath.IsLocal(filepath.FromSlash(name)) || name != filepath.ToSlash(filepath.Clean(name)) || strings.ContainsAny(name, "\\\x00") {
			c.mistake(place, errors.New("the name must be a path within the working directory, such as train.py or lib/model.py"))
			continue
		}
		if spec.Files[name].IsZero() {
			c.mistake(place, errors.New("the source names nothing: make it with artifact.From or FromBytes"))
		}
		for _, other := range names {
			if strings.HasPrefix(other, name+"/") {
				c.mistake(place, fmt.Errorf("it is a file, and the directory of %s", other))
			}
		}
	}
}

// unused reports what the program would not see, or not know that it must write.
func (c *compiler) unused(in reflect.Type) {
	for i := range in.NumField() {
		name := in.Field(i).Name
		f, ok := c.fields[name]
		switch {
		case !ok || c.used[name]:
		case f.kind != kindParam:
			c.mistake("In."+name, fmt.Errorf("the command does not use it: write {%s} where its path belongs; to wait for a step use pipeline.After", name))
		case !c.params:
			c.mistake("In."+name, fmt.Errorf("the command does not use it: write {%s} where its value belongs, or {params} for a file with all parameters", name))
		}
		if c.params && ok && f.kind == kindParam {
			if err := checkJSON(f.typ); err != nil {
				c.mistake("In."+name, err)
			}
		}
	}
	for _, o := range c.outputs {
		if o.used == "" {
			c.mistake(o.name, fmt.Errorf("the command does not name it: write %v where the path belongs that the program writes to", part{name: o.name, out: true}))
		}
	}
}

// rank puts mistakes of the command first, then those of the input, then those of the output.
func rank(field string) int {
	switch {
	case strings.HasPrefix(field, "Command."):
		return 0
	case strings.HasPrefix(field, "In."):
		return 1
	}
	return 2
}

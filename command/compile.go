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

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
)

// command is a Spec that was checked against the types of a step's input and output.
type command struct {
	name          string // of the program, for errors
	args          []template
	env           []variable
	inherit       []string
	stdin, stdout *part
	fields        map[string]field
	outputs       []output
}

type variable struct {
	name  string
	value template
}

// field is one of the step's input.
type field struct {
	index int
	kind  kind
	typ   reflect.Type // of a parameter, or of a Ref's value
	forms []form       // of a Ref's value, the default first
}

type kind uint8

const (
	kindParam kind = iota
	kindSource
	kindRef
)

// output is one Ref of the step's output.
type output struct {
	name  string
	index int // of the field; -1 for a single Ref
	typ   reflect.Type
	forms []form
	form  form
	file  string // its name in the directory of outputs
	used  string // the placeholder
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
	if in.Kind() != reflect.Struct || isRef(in) || in == sourceType {
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

var sourceType = reflect.TypeFor[artifact.Source]()

func isRef(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && reflect.PointerTo(t).Implements(reflect.TypeFor[ref.Holder]())
}

// valueType returns T of a Ref[T].
func valueType(t reflect.Type) reflect.Type {
	return reflect.New(t).Interface().(ref.Holder).TenonRef(ref.Access{}).Type
}

func (c *compiler) inputFields(in reflect.Type) {
	for i := range in.NumField() {
		f := in.Field(i)
		switch {
		case !f.IsExported():
			continue // the builder reports it
		case f.Type == sourceType:
			c.fields[f.Name] = field{index: i, kind: kindSource}
		case isRef(f.Type):
			forms, err := formsOf(valueType(f.Type))
			if err != nil {
				c.mistake("In."+f.Name, err)
			}
			c.fields[f.Name] = field{index: i, kind: kindRef, typ: valueType(f.Type), forms: forms}
		case holdsRef(f.Type, map[reflect.Type]bool{}):
			c.mistake("In."+f.Name, errors.New("it holds a Ref or Source, which must be a field of its own for a command: move it out, or make one list of many with pipeline.Gather"))
			c.used[f.Name] = true
		default:
			c.fields[f.Name] = field{index: i, kind: kindParam, typ: f.Type}
		}
	}
}

// holdsRef reports whether a value of type t may hold a Ref or Source.
func holdsRef(t reflect.Type, seen map[reflect.Type]bool) bool {
	if isRef(t) || t == sourceType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { return holdsRef(f.Type, seen) })
	case reflect.Map, reflect.Slice, reflect.Array, reflect.Pointer:
		return holdsRef(t.Elem(), seen)
	}
	return false
}

func (c *compiler) outputFields(out reflect.Type) {
	add := func(name string, index int, t reflect.Type) {
		o := output{name: name, index: index, typ: valueType(t)}
		var err error
		if o.forms, err = formsOf(o.typ); err != nil {
			c.mistake(name, err)
			o.used = "reported"
		}
		c.outputs = append(c.outputs, o)
	}
	if isRef(out) {
		add(singleName, -1, out)
		return
	}
	if out.Kind() != reflect.Struct {
		return // the builder reports it
	}
	for i := range out.NumField() {
		if f := out.Field(i); f.IsExported() && isRef(f.Type) {
			add(f.Name, i, f.Type)
		}
	}
}

func (c *compiler) program(spec Spec) {
	if len(spec.Args) == 0 || spec.Args[0] == "" {
		c.mistake("Command.Args", errors.New("no program: its name is the first of Args"))
		return
	}
	c.name = filepath.Base(spec.Args[0])
	for i, arg := range spec.Args {
		c.args = append(c.args, c.template(fmt.Sprintf("Command.Args[%d]", i), arg))
	}
}

func (c *compiler) variables(spec Spec) {
	own := func(place, name string) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			c.mistake(place, errors.New("the name of a variable must not be empty, nor hold = or NUL"))
		case slices.Contains(reserved, name):
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
	c.stdin = c.stream("Command.Stdin", spec.Stdin, false)
	c.stdout = c.stream("Command.Stdout", spec.Stdout, true)
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

// template parses a text and checks its placeholders. It returns nil if there is a mistake.
func (c *compiler) template(place, text string) template {
	if strings.Contains(text, "\x00") {
		c.mistake(place, errors.New("it holds a NUL byte, which no program can be given"))
		return nil
	}
	t, err := parse(text)
	if err != nil {
		c.mistake(place, fmt.Errorf("%.200q: %w", text, err))
		return nil
	}
	for _, p := range t {
		if p.name == "" {
			continue
		}
		if err := c.resolve(p); err != nil {
			c.mistake(place, fmt.Errorf("%.100v: %w", p, err))
			return nil
		}
	}
	return t
}

// resolve finds what a placeholder stands for.
func (c *compiler) resolve(p part) error {
	switch {
	case p.out:
		return c.resolveOutput(p)
	case p.name == paramsName && p.suffix == "":
		c.params = true
		return nil
	}
	f, ok := c.fields[p.name]
	if !ok {
		if c.used[p.name] {
			return nil // reported
		}
		return fmt.Errorf("there is no field %s in the input: %s", p.name, known(slices.Sorted(maps.Keys(c.fields))))
	}
	c.used[p.name] = true
	switch {
	case p.suffix == "":
		return nil
	case f.kind == kindParam:
		return fmt.Errorf("%s is a parameter: {%s} is its value", p.name, p.name)
	case f.kind == kindSource:
		return fmt.Errorf("%s is a source: {%s} is its path", p.name, p.name)
	case !slices.Contains(f.forms, form(p.suffix)):
		return fmt.Errorf("there is no form %q: %s", p.suffix, known(f.forms))
	}
	return nil
}

func (c *compiler) resolveOutput(p part) error {
	i := slices.IndexFunc(c.outputs, func(o output) bool { return o.name == p.name })
	if i < 0 {
		var names []string
		for _, o := range c.outputs {
			names = append(names, part{name: o.name, out: true}.String())
		}
		return fmt.Errorf("there is no such output: %s", known(names))
	}
	o := &c.outputs[i]
	if o.used == p.String() || o.forms == nil {
		return nil
	}
	if o.used != "" {
		return fmt.Errorf("the output is also written %s: write it one way", o.used)
	}
	o.used = p.String()
	if err := o.choose(p.suffix); err != nil {
		return err
	}
	for j := range c.outputs {
		if other := &c.outputs[j]; j != i && strings.EqualFold(other.file, o.file) {
			return fmt.Errorf("output %s has the same file name: name them apart", other.name)
		}
	}
	return nil
}

// choose sets form and file by what is behind the colon: the name of a file that is stored as it is, the form of another value.
func (o *output) choose(suffix string) error {
	o.form = o.forms[0]
	switch {
	case suffix != "" && o.form.asIs():
		if err := checkFileName(suffix); err != nil {
			return err
		}
		o.file = suffix
		return nil
	case suffix != "" && !slices.Contains(o.forms, form(suffix)), suffix == string(formValue):
		return fmt.Errorf("there is no form %q: %s", suffix, known(slices.DeleteFunc(slices.Clone(o.forms), func(f form) bool { return f == formValue })))
	case suffix != "":
		o.form = form(suffix)
	}
	o.file = o.name + o.form.extension()
	return nil
}

func checkFileName(name string) error {
	if !filepath.IsLocal(name) || strings.ContainsAny(name, "/\\:*?\"<>|") || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%.60q is no name of a file on every system", name)
	}
	return nil
}

func known[S ~string](names []S) string {
	if len(names) == 0 {
		return "there are none"
	}
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return "known are " + strings.Join(texts, ", ")
}

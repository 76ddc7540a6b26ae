package command

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

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

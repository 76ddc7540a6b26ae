package command

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// template is a text with placeholders.
type template []part

// part is a literal text, or a placeholder.
type part struct {
	text   string // if name is empty
	name   string // of the field; params
	out    bool   // of an output
	suffix string // behind the colon
}

const (
	outName    = "out"    // {out}, {out.Name}
	paramsName = "params" // {params}
	singleName = "output" // the name that a single Ref has as an output
)

// String returns the placeholder as it is written.
func (p part) String() string {
	name := p.name
	switch {
	case p.out && p.name == singleName:
		name = outName
	case p.out:
		name = outName + "." + p.name
	}
	if p.suffix != "" {
		name += ":" + p.suffix
	}
	return "{" + name + "}"
}

var errClosing = errors.New("a } without its {: write }} for a brace")

// parse reads a text with placeholders.
func parse(text string) (template, error) {
	var t template
	literal := func(s string) {
		if n := len(t); n > 0 && t[n-1].name == "" {
			t[n-1].text += s
		} else if s != "" {
			t = append(t, part{text: s})
		}
	}
	for {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			literal(text)
			return t, nil
		}
		literal(text[:i])
		brace := text[i : i+1]
		text = text[i+1:]
		if strings.HasPrefix(text, brace) {
			literal(brace)
			text = text[1:]
			continue
		}
		if brace == "}" {
			return nil, errClosing
		}
		inner, rest, closed := strings.Cut(text, "}")
		if !closed {
			return nil, errors.New("a { without its }: write {{ for a brace")
		}
		p, err := placeholder(inner)
		if err != nil {
			return nil, err
		}
		t, text = append(t, p), rest
	}
}

// placeholder reads what is between the braces.
func placeholder(inner string) (part, error) {
	name, suffix, colon := strings.Cut(inner, ":")
	p := part{name: name, suffix: suffix}
	switch field, ok := strings.CutPrefix(name, outName+"."); {
	case ok:
		p.name, p.out = field, true
	case name == outName:
		p.name, p.out = singleName, true
	}
	if !identifier(p.name) || colon && suffix == "" || strings.Contains(suffix, "{") {
		return p, fmt.Errorf("{%.60s} is no placeholder: write {Field} for an input or a parameter, {out.Field} for an output, and {{ and }} for braces", inner)
	}
	return p, nil
}

func identifier(s string) bool {
	return s != "" && !unicode.IsDigit(rune(s[0])) && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

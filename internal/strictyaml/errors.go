package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error holds everything that is wrong with a document, in the order of the document.
type Error struct{ Problems []Problem }

// Problem is one thing that is wrong.
type Problem struct {
	Source string // the file, or what the text was read from
	Line   int    // from 1; 0 if the text is one value, such as a command-line argument
	Column int    // from 1, in characters
	Key    string // the path of the value, such as "retry.attempts" or "hosts[2]"; may be empty
	Text   string // what is wrong, and what would be right
}

// maxShown bounds what an Error prints; Problems is complete.
const maxShown = 20

// Error returns one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, 0, min(len(e.Problems), maxShown)+1)
	for i, p := range e.Problems {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more problems", len(e.Problems)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// String returns the problem as one line: "file:line:column: key: text".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Source)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(scalar{p.Key, kindNumber}.show())
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, b.String())
}

// Join returns one [*Error] with the problems of all that are not nil, in the order of their places and each once, or nil. Errors of
// other types become problems without a place.
func Join(errs ...error) error {
	var all []Problem
	for _, err := range errs {
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e):
			all = append(all, e.Problems...)
		default:
			all = append(all, Problem{Text: err.Error()})
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{slices.Compact(all)}
}

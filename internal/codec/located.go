package codec

import (
	"strings"
)

// located is an error and the way to where it happened within a value. The way is collected while the levels of the value are left and put into
// words once, since a value may be thousands of levels deep.
type located struct {
	steps []string // innermost first: ".Name", "[3]"
	err   error
}

// within adds a step to the way of err.
func within(step string, err error) error {
	l, ok := err.(*located) //nolint:errorlint // only the outermost error is still collecting
	if !ok {
		l = &located{err: err}
	}
	l.steps = append(l.steps, step)
	return l
}

// shownSteps is how many steps are shown of each end of a long way.
const shownSteps = 8

func (l *located) Error() string {
	var b strings.Builder
	for i := len(l.steps) - 1; i >= 0; i-- {
		if i >= shownSteps && i < len(l.steps)-shownSteps {
			b.WriteString(ellipsis)
			i = shownSteps
			continue
		}
		b.WriteString(l.steps[i])
	}
	return strings.TrimPrefix(b.String(), ".") + ": " + l.err.Error()
}

func (l *located) Unwrap() error { return l.err }

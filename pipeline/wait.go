package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/step"
)

// Approval says who let a run go on; see [Wait].
type Approval struct {
	By   string    // who approved, as they said themselves
	Note string    // what they remarked, or ""
	At   time.Time // in UTC
}

// Wait wires a step that runs no code: it asks a person the question, shows the parameters and Refs of in, and waits until somebody
// approves or rejects, with "tenon run approve" or "tenon run reject". In is a struct as [Step] takes it. The step fails when it is rejected,
// and its output is the approval: pass it on, or say After, to what must not happen without.
//
// Everything upstream is recorded before the question is asked. The answer is never taken from the cache. A replay takes it from the run
// that it replays like the result of any other step, if its input is the same: to ask again, name the step in [Replay].From. Of step.Config
// only Timeout means something, which bounds the waiting; without it a step waits as long as its run may take.
func Wait[In any](p *Builder, name, question string, in In, opts ...step.Option) artifact.Ref[Approval] {
	at := p.wired()
	full := p.admit(name, at, false)
	if err := checkQuestion(question); err != nil {
		p.report(full, "", at, err)
	}
	w := wiring{name: full, at: at, opts: opts, wait: &graph.Wait{Question: question}}
	bind, _, _ := p.add(w, reflect.ValueOf(&in).Elem())
	var out artifact.Ref[Approval]
	p.connect(w, bind, reflect.ValueOf(&out).Elem(), false)
	bind.Approve = func(by, note string, at time.Time) []any {
		return []any{Approval{By: by, Note: note, At: at.UTC()}}
	}
	return out
}

// maxQuestion is the length of the longest question, in bytes.
const maxQuestion = 1000

// checkQuestion accepts a line of text that is safe on a terminal.
func checkQuestion(q string) error {
	switch {
	case strings.TrimSpace(q) == "":
		return errors.New("the question is empty: say what is to be approved")
	case len(q) > maxQuestion:
		return fmt.Errorf("the question has %d bytes: use at most %d, and let the input show the rest", len(q), maxQuestion)
	case !utf8.ValidString(q) || strings.ContainsFunc(q, unicode.IsControl):
		return fmt.Errorf("the question %.40q is not a line of text: use UTF-8 without line breaks and control characters", q)
	}
	return nil
}

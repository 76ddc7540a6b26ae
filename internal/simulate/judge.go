package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// grace is how long a function may go on after its context has ended: that long the engine waits before it gives an attempt up.
const grace = 10 * time.Second

// Problem is something that is wrong with a step, or with the results of a run.
type Problem struct {
	Step   string // empty for the results of a run
	Output string // empty if it is about no single one
	Text   string
}

// String returns the problem as text.
func (p Problem) String() string {
	text := p.Text
	if p.Output != "" {
		text = "output " + p.Output + " " + text
	}
	if p.Step != "" {
		text = "step " + p.Step + ": " + text
	}
	return text
}

// Leave is what is allowed to a step.
type Leave struct {
	Differ   bool // its outputs may differ though its inputs do not
	Tolerant bool // it may lack elements that failed
}

// Problems compares all executions of all runs, of steps of g. Of steps whose inputs differ, since a step before them gave other outputs, nothing
// is said. Differ reports whether the outputs of a step may differ, or those of a step before it.
func (w *World) Problems(g *graph.Graph, leave map[string]Leave) (problems []Problem, differ func(step string) bool, err error) {
	order, err := g.Order()
	if err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	apart := map[string]bool{}
	for _, i := range order {
		n := &g.Nodes[i]
		for _, up := range n.Upstream() {
			apart[n.Name] = apart[n.Name] || apart[up]
		}
		if n.Wait != nil {
			continue
		}
		j := judge{w: w, node: n, may: leave[n.Name].Differ}
		for _, at := range w.sites(n.Name) {
			j.ignoresItsContext(at)
			if !apart[n.Name] {
				j.fails(at)
				j.differs(at)
			}
		}
		problems = append(problems, j.problems...)
		apart[n.Name] = apart[n.Name] || j.apart || leave[n.Name].Tolerant
	}
	return problems, func(step string) bool { return apart[step] }, nil
}

// sites returns where a step was executed, by index.
func (w *World) sites(step string) []site {
	found := map[int]bool{}
	for _, r := range w.runs {
		for at := range r.executions {
			if at.step == step {
				found[at.index] = true
			}
		}
	}
	var sites []site
	for _, i := range slices.Sorted(maps.Keys(found)) {
		sites = append(sites, site{step, i})
	}
	return sites
}

// judge compares the executions of one step. Of each kind of problem it finds one.
type judge struct {
	w        *World
	node     *graph.Node
	may      bool
	apart    bool
	ignored  bool
	failed   bool
	problems []Problem
}

func (j *judge) all(at site) (all []*execution) {
	for _, r := range j.w.runs {
		all = append(all, r.executions[at]...)
	}
	return all
}

func (j *judge) report(output, format string, args ...any) {
	j.problems = append(j.problems, Problem{j.node.Name, output, fmt.Sprintf(format, args...)})
}

func (j *judge) ignoresItsContext(at site) {
	for _, x := range j.all(at) {
		if x.stopped.IsZero() || j.ignored {
			continue
		}
		if over := x.end.Sub(x.stopped); over > grace {
			j.ignored = true
			j.report("", "ignores its context: it went on for %v after its context had ended (%s): return when ctx.Done() is closed", over, x.where())
		}
	}
}

// fails looks for executions that failed by themselves, where others did not. A step that also fails undisturbed has retries for that.
func (j *judge) fails(at site) {
	for _, x := range j.all(at) {
		if x.err != nil && !x.r.disturbed {
			return
		}
	}
	for _, x := range j.all(at) {
		if x.err == nil || x.excused || j.failed {
			continue
		}
		j.failed = true
		what := "is not deterministic: with the same inputs it"
		if x.number > 1 {
			what = "is not idempotent: executed again it"
		}
		j.report("", "%s failed (%s): %v", what, x.where(), x.err)
	}
}

func (j *judge) differs(at site) {
	for i := range j.node.Outputs {
		var first *execution
		for _, x := range j.all(at) {
			switch {
			case x.outputs[i] == "":
			case first == nil:
				first = x
			case x.outputs[i] != first.outputs[i]:
				if !j.may && !j.apart {
					j.report(j.node.Outputs[i].Name, "%s: the same inputs gave %s (%s) and %s (%s)", j.name(at, i, first.outputs[i], x), short(first.outputs[i]), first.where(), short(x.outputs[i]), x.where())
				}
				j.apart = true
				return
			}
		}
	}
}

// name says what a step is not whose output i of execution x is another than usual: if the first executions of all runs agree, what differs
// comes of executing it again.
func (j *judge) name(at site, i int, usual string, x *execution) string {
	for _, r := range j.w.runs {
		for _, y := range r.executions[at] {
			if y.number == 1 && y.outputs[i] != "" && y.outputs[i] != usual {
				return "is not deterministic"
			}
		}
	}
	if x.number == 1 {
		return "is not deterministic"
	}
	return "is not idempotent"
}

// where tells an execution from all others.
func (x *execution) where() string {
	where := fmt.Sprintf("%s, execution %d", x.r.name, x.number)
	if x.at.index >= 0 {
		where += fmt.Sprintf(" of element %d", x.at.index)
	}
	if x.r.disturbed {
		where += fmt.Sprintf(", driver %d", x.driver)
	}
	return where
}

// short shows the digest of an identity.
func short(identity string) string {
	_, digest, ok := strings.Cut(identity, " ")
	if !ok {
		return identity
	}
	digest, rest, _ := strings.Cut(digest, " ")
	text := artifact.Digest(digest).Short()
	if rest != "" {
		text += " " + rest
	}
	return text
}

// Results compares the results of a run with those of an undisturbed one. Those that come from steps which differ are left out.
func Results(g *graph.Graph, want, got map[string]artifact.Record, differ func(step string) bool) (problems []Problem) {
	for _, r := range g.Results {
		other := false
		r.From.Nodes(func(step string) { other = other || differ(step) })
		if other {
			continue
		}
		switch w, g := identity(want, r.Name), identity(got, r.Name); {
		case w == g:
		case g == "":
			problems = append(problems, Problem{Text: fmt.Sprintf("result %s is missing, and is %s in an undisturbed run", r.Name, short(w))})
		case w == "":
			problems = append(problems, Problem{Text: fmt.Sprintf("result %s is %s, and is skipped in an undisturbed run", r.Name, short(g))})
		default:
			problems = append(problems, Problem{Text: fmt.Sprintf("result %s is %s, and %s in an undisturbed run", r.Name, short(g), short(w))})
		}
	}
	return problems
}

func identity(results map[string]artifact.Record, name string) string {
	rec, ok := results[name]
	if !ok {
		return ""
	}
	return transfer.Identity(rec)
}

package cli

import (
	"strings"
	"time"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// board is what is known of a run while it runs: one row a step. It is fed with events and rendered by frame.
type board struct {
	pipeline string
	run      string
	state    metadata.RunState
	started  time.Time
	finished time.Time
	rows     []row
	index    map[string]int
	counts   [numStates]int // of rows, by state
	clock    int            // counts changes, to tell what changed last
}

// row is one step.
type row struct {
	name              string
	state             state
	started, finished time.Time
	attempt           int
	reason            string
	done, total       int64 // of step.Progress; total 0 is unknown
	progressed        bool
	changed           int // the board's clock when its state last changed

	mapped   bool
	elements []state // of a mapped step, once known
	counts   [numStates]int
}

// state is a metadata.StepState in one byte.
type state uint8

// The states in the order of metadata.StepStates.
const (
	pending state = iota
	ready
	running
	retrying
	waiting
	succeeded
	cached
	skipped
	failed
	cancelled
	numStates
)

func stateOf(s metadata.StepState) state {
	switch s {
	case metadata.StepReady:
		return ready
	case metadata.StepRunning:
		return running
	case metadata.StepRetrying:
		return retrying
	case metadata.StepWaiting:
		return waiting
	case metadata.StepSucceeded:
		return succeeded
	case metadata.StepCached:
		return cached
	case metadata.StepSkipped:
		return skipped
	case metadata.StepFailed:
		return failed
	case metadata.StepCancelled:
		return cancelled
	}
	return pending
}

func (s state) String() string {
	switch s {
	case ready:
		return "ready"
	case running:
		return "running"
	case retrying:
		return "retrying"
	case waiting:
		return "waiting"
	case succeeded:
		return "succeeded"
	case cached:
		return "cached"
	case skipped:
		return "skipped"
	case failed:
		return "failed"
	case cancelled:
		return "cancelled"
	}
	return "pending"
}

// active says that something happens, or that a person should look.
func (s state) active() bool { return s == running || s == retrying || s == waiting }

// ended says that nothing more will happen.
func (s state) ended() bool { return s >= succeeded }

func newBoard(g *graph.Graph) *board {
	b := &board{pipeline: g.Pipeline, state: metadata.RunPending, rows: make([]row, len(g.Nodes)), index: make(map[string]int, len(g.Nodes))}
	for i := range g.Nodes {
		b.rows[i] = row{name: g.Nodes[i].Name, mapped: g.Nodes[i].Over != nil}
		b.index[g.Nodes[i].Name] = i
	}
	b.counts[pending] = len(b.rows)
	return b
}

// apply takes in one event. Its cost does not depend on the number of steps.
func (b *board) apply(e pipeline.Event) {
	if e.Run != "" {
		b.run = e.Run
	}
	if e.Kind == pipeline.EventRun {
		b.state = e.RunState
		if b.started.IsZero() {
			b.started = e.Time
		}
		if e.RunState.Ended() {
			b.finished = e.Time
		}
		return
	}
	i, ok := b.index[e.Step]
	if !ok {
		return
	}
	r := &b.rows[i]
	switch {
	case e.Kind == pipeline.EventProgress && e.Index < 0:
		r.done, r.total, r.progressed = e.Done, e.Total, true
	case e.Kind != pipeline.EventStep:
	case e.Index >= 0:
		r.element(e)
	default:
		b.step(r, e)
	}
}

func (b *board) step(r *row, e pipeline.Event) {
	to := stateOf(e.StepState)
	if to != r.state {
		b.counts[r.state]--
		b.counts[to]++
		b.clock++
		r.changed = b.clock
	}
	if e.Elements > len(r.elements) {
		r.grow(e.Elements)
	}
	if to == running {
		r.done, r.total, r.progressed = 0, 0, false
		if r.started.IsZero() {
			r.started = e.Time
		}
	}
	if to.ended() {
		r.finished = e.Time
	}
	r.state, r.reason = to, e.Reason
	if run, ok := strings.CutPrefix(e.Reason, "from run "); ok && to == cached {
		r.reason = "from run " + shortID(run)
	}
	r.attempt = max(r.attempt, e.Attempt)
}

func (r *row) element(e pipeline.Event) {
	r.mapped = true
	if e.Index >= len(r.elements) {
		r.grow(e.Index + 1)
	}
	to := stateOf(e.StepState)
	r.counts[r.elements[e.Index]]--
	r.counts[to]++
	r.elements[e.Index] = to
	if r.started.IsZero() && to == running {
		r.started = e.Time
	}
}

func (r *row) grow(n int) {
	r.counts[pending] += n - len(r.elements)
	r.elements = append(r.elements, make([]state, n-len(r.elements))...)
}

// progress returns how far a step is: of its elements if it is mapped, of what it reported otherwise.
func (r *row) progress() (done, total int64, known bool) {
	if r.mapped {
		n := 0
		for s := succeeded; s < numStates; s++ {
			n += r.counts[s]
		}
		return int64(n), int64(len(r.elements)), len(r.elements) > 0
	}
	return r.done, r.total, r.progressed
}

// ended returns the number of steps that have ended.
func (b *board) ended() int {
	n := 0
	for s := succeeded; s < numStates; s++ {
		n += b.counts[s]
	}
	return n
}

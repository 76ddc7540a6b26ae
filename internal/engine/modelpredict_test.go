package engine_test

import (
	"slices"

	"github.com/tenon-ml/tenon/metadata"
)

// wanted is what the model says of a node or element.
type wanted struct {
	state    metadata.StepState
	n        int // its value
	attempts int
	elements []wanted // nil if they are never known
}

func (w wanted) blocked() bool { return w.state == failed || w.state == cancelled }

// total is the sum of a gathered list.
func (w wanted) total() int {
	n := 0
	for _, e := range w.elements {
		if e.state == succeeded {
			n += e.n
		}
	}
	return n
}

// predict is the reference model: it goes through the graph in order, in the mode that runs everything that does not depend on a failure.
func predict(specs []spec) []wanted {
	all := make([]wanted, 0, len(specs))
	for _, s := range specs {
		n, state := s.gate(specs, all)
		switch {
		case state != "":
			all = append(all, wanted{state: state})
		case s.kind == plain:
			all = append(all, s.try(-1, n))
		default:
			all = append(all, s.expand(all, n))
		}
	}
	return all
}

// gate returns the sum of the inputs, or the state of a node that does not run.
func (s spec) gate(specs []spec, all []wanted) (int, metadata.StepState) {
	ups := slices.Concat(slices.Concat(s.from...), s.lists, s.when, s.after)
	if s.over >= 0 && (s.kind == mapping || all[s.over].elements == nil) {
		ups = append(ups, s.over)
	}
	if slices.ContainsFunc(ups, func(u int) bool { return all[u].blocked() }) {
		return 0, cancelled
	}
	n := 1
	for _, alternatives := range s.from {
		k := slices.IndexFunc(alternatives, func(a int) bool { return all[a].state != skipped })
		if k < 0 {
			return 0, skipped
		}
		n += all[alternatives[k]].n
	}
	for _, l := range s.lists {
		if all[l].state == skipped {
			return 0, skipped
		}
		n += all[l].total()
	}
	if s.over >= 0 && all[s.over].state == skipped {
		return 0, skipped
	}
	if slices.ContainsFunc(s.when, func(w int) bool { return all[w].state == skipped || !specs[w].yes }) {
		return 0, skipped
	}
	return n, ""
}

// try runs a node or element whose inputs add up to n.
func (s spec) try(index, n int) wanted {
	if index >= 0 && s.failing>>index&1 == 0 {
		return wanted{state: succeeded, n: n, attempts: 1}
	}
	allowed := s.attempts
	if s.permanent {
		allowed = 1
	}
	if s.fails < allowed {
		return wanted{state: succeeded, n: n, attempts: s.fails + 1}
	}
	return wanted{state: failed, attempts: allowed}
}

func (s spec) expand(all []wanted, n int) wanted {
	w := wanted{state: succeeded, elements: []wanted{}}
	switch {
	case s.over < 0:
		for i := range s.size {
			w.elements = append(w.elements, s.try(i, n+i))
		}
	case s.kind == mapping:
		for _, e := range all[s.over].elements {
			if e.state == succeeded {
				w.elements = append(w.elements, s.try(len(w.elements), n+e.n))
			}
		}
	default:
		for i, e := range all[s.over].elements {
			if e.state != succeeded {
				w.elements = append(w.elements, wanted{state: skipped})
				continue
			}
			w.elements = append(w.elements, s.try(i, n+e.n))
		}
	}
	broken := 0
	for _, e := range w.elements {
		if e.state == failed {
			broken++
		}
	}
	switch {
	case broken > s.tolerate:
		w.state = failed
	case s.kind == thening && all[s.over].blocked():
		w.state = cancelled
	}
	return w
}

package cli

// change is how something differs between two runs.
type change string

const (
	same    change = "same"
	changed change = "changed"
	onlyA   change = "only_a"
	onlyB   change = "only_b"
)

// trait is one thing that a run has: a parameter, the code of a step, a metric.
type trait[T any] struct {
	step, name string // either may be empty
	value      T
}

// difference is a trait of two runs, of which one may lack it.
type difference[T any] struct {
	Step   string `json:"step,omitempty"`
	Name   string `json:"name,omitempty"`
	Change change `json:"change"`
	A      *T     `json:"a,omitempty"`
	B      *T     `json:"b,omitempty"`
}

// compare pairs the traits of two runs by step and name, in the order of the first; what only the second has stands where it stands there. Alike ones
// are left out unless all are asked for.
func compare[T any](a, b []trait[T], all bool, alike func(a, b T) bool) []difference[T] {
	type key struct{ step, name string }
	keyOf := func(t *trait[T]) key { return key{t.step, t.name} }
	inA, inB := make(map[key]bool, len(a)), make(map[key]*T, len(b))
	for i := range a {
		inA[keyOf(&a[i])] = true
	}
	added := map[key][]difference[T]{} // behind a trait of a; the zero key is the start
	last := key{}
	for i := range b {
		k := keyOf(&b[i])
		if inA[k] {
			inB[k], last = &b[i].value, k
			continue
		}
		added[last] = append(added[last], difference[T]{Step: k.step, Name: k.name, Change: onlyB, B: &b[i].value})
	}
	found := append([]difference[T]{}, added[key{}]...)
	for i := range a {
		k := keyOf(&a[i])
		d := difference[T]{Step: k.step, Name: k.name, Change: onlyA, A: &a[i].value, B: inB[k]}
		if d.B != nil {
			d.Change = changed
			if alike(*d.A, *d.B) {
				d.Change = same
			}
		}
		if d.Change != same || all {
			found = append(found, d)
		}
		if k != (key{}) {
			found = append(found, added[k]...)
		}
	}
	return found
}

// differ counts what is not the same.
func differ[T any](list []difference[T]) int {
	n := 0
	for _, d := range list {
		if d.Change != same {
			n++
		}
	}
	return n
}

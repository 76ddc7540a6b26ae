package logs

import "iter"

// Merge yields the lines of two logs in the order of their times, those of a first where they are the same. Each is taken to be in order. It
// stops at the first error of either.
func Merge(a, b iter.Seq2[Line, error]) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		nextB, stop := iter.Pull2(b)
		defer stop()
		lineB, errB, moreB := nextB()
		for lineA, errA := range a {
			for errA == nil && moreB && (errB != nil || lineB.Time.Before(lineA.Time)) {
				if !yield(lineB, errB) || errB != nil {
					return
				}
				lineB, errB, moreB = nextB()
			}
			if !yield(lineA, errA) || errA != nil {
				return
			}
		}
		for ; moreB; lineB, errB, moreB = nextB() {
			if !yield(lineB, errB) || errB != nil {
				return
			}
		}
	}
}

package simulate

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// World is one simulation. It is made within a bubble of testing/synctest, and everything that it wraps lives in that bubble. Safe for
// concurrent use.
type World struct {
	seed  uint64
	rate  map[Faults]float64
	began time.Time
	zero  time.Time // of the notes
	// signalled counts what was sent to runs: a driver that asks for signals is not made to wait for a store that has none.
	signalled atomic.Int64

	mu    sync.Mutex // guards what follows
	runs  []*Run
	notes []Note
	count map[string]int // injected faults, by kind
	going int            // executions that have not ended
	still chan struct{}  // closed when going is 0; nil unless somebody waits
}

// Note is one line of the history of a world.
type Note struct {
	At   time.Duration // since the disturbed run began
	Step string        // that it is about; empty if it is about none
	Text string
}

// String returns the note as a line.
func (n Note) String() string { return fmt.Sprintf("+%-12v %s", n.At, n.Text) }

// New makes a world in which the allowed kinds of faults may happen.
func New(seed uint64, allowed Faults) *World {
	w := &World{seed: seed, began: time.Now(), count: map[string]int{}}
	w.rate = w.rates(allowed)
	return w
}

// Began returns when the world began.
func (w *World) Began() time.Time { return w.began }

// Rand returns random numbers for a purpose of the caller's: the same for the same seed and purpose.
func (w *World) Rand(purpose string) *rand.Rand { return w.rand("caller", purpose) }

func (w *World) rand(what ...any) *rand.Rand {
	h := fnv.New64a()
	for _, part := range what {
		_, _ = fmt.Fprintf(h, "%v\x00", part) // a hash never fails
	}
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// Notes returns what was injected, in order.
func (w *World) Notes() []Note {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Note(nil), w.notes...)
}

// Injected returns how many faults there were, by kind.
func (w *World) Injected() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.count)
}

// Executions returns how often functions of steps were called.
func (w *World) Executions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.runs {
		for _, all := range r.executions {
			n += len(all)
		}
	}
	return n
}

// note writes a fault down.
func (w *World) note(kind Faults, step, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[kind.String()]++
	w.notes = append(w.notes, Note{time.Since(w.zero), step, fmt.Sprintf(format, args...)})
}

// Wait waits until every function that was called has returned, also those whose attempts were given up, and until what they returned is dealt
// with. In a bubble no time passes any more when its test has ended, so that what waits then waits for ever. The error names a step that
// has not returned when ctx ends.
func (w *World) Wait(ctx context.Context) error {
	w.mu.Lock()
	still := make(chan struct{})
	if w.still != nil {
		still = w.still
	}
	if w.going == 0 {
		close(still)
	} else {
		w.still = still
	}
	w.mu.Unlock()
	select {
	case <-still:
		pause(ctx, time.Minute) // longer than any delay
		return nil
	case <-ctx.Done():
		return fmt.Errorf("step %s has not returned after %v: it ignores its context, or waits for what never comes", w.stuck(), time.Since(w.began))
	}
}

// hold counts an execution that has not begun, until the function that it returns is called.
func (w *World) hold() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.going++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rest()
	}
}

// rest counts an execution as ended, with the lock held.
func (w *World) rest() {
	if w.going--; w.going == 0 && w.still != nil {
		close(w.still)
		w.still = nil
	}
}

// stuck names a step whose function has not returned.
func (w *World) stuck() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.runs {
		for at, all := range r.executions {
			for _, x := range all {
				if x.end.IsZero() {
					return at.String()
				}
			}
		}
	}
	return ""
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

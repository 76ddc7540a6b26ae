package simulate

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// drivers is how many a run has at most. Nothing happens to the last one, so that every run comes to an end.
const drivers = 8

// Run is one run of a pipeline in a world.
type Run struct {
	w         *World
	name      string // for people: "undisturbed run 1"
	disturbed bool

	// Guarded by the lock of the world.
	executions map[site][]*execution
	begun      map[site]int
	drivers    int
	left       int // faults that may still happen
}

// Undisturbed adds a run to which nothing happens.
func (w *World) Undisturbed(name string) *Run { return w.add(&Run{w: w, name: name}) }

// Disturbed adds a run to which things happen.
func (w *World) Disturbed(name string) *Run {
	w.zero = time.Now()
	return w.add(&Run{w: w, name: name, disturbed: true, left: 4 + w.rand("faults", name).IntN(24)})
}

func (w *World) add(r *Run) *Run {
	r.executions, r.begun = map[site][]*execution{}, map[site]int{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, r)
	return r
}

// spend reports whether one more fault may happen.
func (r *Run) spend() bool {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.left--
	return r.left >= 0
}

// Driver is one of the processes that drive a run, one after the other.
type Driver struct {
	r    *Run
	n    int
	calm bool
	kill func()
	dead chan struct{} // closed when it dies
	gone chan struct{} // closed when another one should take over
	once sync.Once
	left sync.Once

	mu    sync.Mutex
	calls map[string]int // of stores
	away  time.Time      // until when it does not reach the metadata store
}

// Driver returns the next driver of the run. Kill, if not nil, is called when it dies: it cancels what the driver does.
func (r *Run) Driver(kill func()) *Driver {
	r.w.mu.Lock()
	defer r.w.mu.Unlock()
	r.drivers++
	return &Driver{
		r: r, n: r.drivers, calm: !r.disturbed || r.drivers >= drivers, kill: kill,
		dead: make(chan struct{}), gone: make(chan struct{}), calls: map[string]int{},
	}
}

// Last reports whether nothing happens to the driver, so that what it says holds.
func (d *Driver) Last() bool { return d.calm }

// Gone returns a channel that is closed when another driver should take over: this one died, or is cut off for so long that it cannot be told
// from one that did.
func (d *Driver) Gone() <-chan struct{} { return d.gone }

// die ends everything that the driver does: from now on it has no effect.
func (d *Driver) die() {
	d.once.Do(func() {
		close(d.dead)
		d.leave()
		if d.kill != nil {
			d.kill()
		}
	})
}

func (d *Driver) leave() { d.left.Do(func() { close(d.gone) }) }

func (d *Driver) isDead() bool {
	select {
	case <-d.dead:
		return true
	default:
		return false
	}
}

// call returns the number of a call of a store, and what is drawn for it.
func (d *Driver) call(what string) (int, *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[what]++
	n := d.calls[what]
	return n, d.r.w.rand("call", d.r.name, d.n, what, n)
}

// happens reports whether a fault of a kind happens now. It draws once, whatever the answer.
func (d *Driver) happens(kind Faults, r *rand.Rand, share float64) bool {
	drawn := r.Float64()
	return !d.calm && drawn < share*d.r.w.rate[kind] && d.r.spend()
}

// delay draws how long something takes that takes no time otherwise: mostly little.
func (d *Driver) delay(r *rand.Rand) time.Duration {
	slow, exponent, fraction := r.Float64(), r.IntN(5), r.Float64()
	if d.calm || slow >= d.r.w.rate[Delays] {
		return 0
	}
	scale := time.Millisecond
	for range exponent {
		scale *= 10
	}
	return time.Duration(fraction * float64(scale)) // up to ten seconds
}

// errDead is what a driver hears that has died: nobody.
var errDead = component.Errorf(component.FailedPrecondition, "simulated: this process has died")

// injected is an error that a store was made to return.
func injected(what string) error {
	return component.Errorf(component.Unavailable, "simulated: %s", what)
}

// alive waits for a delay, and reports how the driver is then.
func (d *Driver) alive(ctx context.Context, wait time.Duration) error {
	pause(ctx, wait)
	if d.isDead() {
		return errDead
	}
	return nil
}

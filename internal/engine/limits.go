package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// limits decides what may start. Tasks that need the same wait in one class, first come first served; the number of classes is
// that of different configurations, so that a decision does not depend on how many tasks wait.
type limits struct {
	max     orchestrator.Limits
	running int
	used    step.Resources
	named   map[string]*namedLimit
	classes map[classKey]*class
	order   []*class // those with tasks that wait
	seq     int
}

type namedLimit struct {
	orchestrator.Limit
	running int
	rate    *rate.Limiter
}

type classKey struct {
	need  step.Resources
	names string
}

// class is a queue of tasks that need the same.
type class struct {
	need  step.Resources
	names []string
	queue []queued
	head  int
}

type queued struct {
	t   *task
	seq int
}

func newLimits(most orchestrator.Limits, parallel int) *limits {
	if parallel > 0 {
		most.Parallel = parallel
	}
	l := &limits{max: most, named: map[string]*namedLimit{}, classes: map[classKey]*class{}}
	for name, limit := range most.Named {
		n := &namedLimit{Limit: limit}
		if limit.Rate > 0 {
			n.rate = rate.NewLimiter(rate.Limit(limit.Rate), max(limit.Burst, 1))
		}
		l.named[name] = n
	}
	return l
}

// classOf returns the class of a step's tasks. What could never start is refused.
func (l *limits) classOf(step string, c step.Config) (*class, error) {
	need := c.Resources
	if need.CPU == 0 {
		need.CPU = 1
		if l.max.CPU > 0 {
			need.CPU = min(1, l.max.CPU)
		}
	}
	refuse := func(field, want, have string) (*class, error) {
		return nil, component.Errorf(component.Invalid, "step %s: resources.%s: %s is more than the %s that the orchestrator may use: ask for less, or raise its %s", step, field, want, have, field)
	}
	switch {
	case l.max.CPU > 0 && need.CPU > l.max.CPU:
		return refuse("cpu", fmt.Sprint(need.CPU), fmt.Sprint(l.max.CPU))
	case l.max.Memory > 0 && need.Memory > l.max.Memory:
		return refuse("memory", need.Memory.String(), l.max.Memory.String())
	case need.GPU > l.max.GPU:
		return refuse("gpu", strconv.Itoa(need.GPU), strconv.Itoa(l.max.GPU))
	}
	for _, name := range c.Limits {
		if l.named[name] == nil {
			return nil, component.Errorf(component.Invalid, "step %s: limits: the orchestrator has no limit %q; it has %s", step, name, listNames(l.named))
		}
	}
	names := slices.Compact(slices.Sorted(slices.Values(c.Limits)))
	key := classKey{need, strings.Join(names, "\x00")}
	cl := l.classes[key]
	if cl == nil {
		cl = &class{need: need, names: names}
		l.classes[key] = cl
	}
	return cl, nil
}

func listNames(named map[string]*namedLimit) string {
	if len(named) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}

func (l *limits) push(t *task, c *class) {
	if len(c.queue) == 0 {
		l.order = append(l.order, c)
	}
	l.seq++
	c.queue = append(c.queue, queued{t, l.seq})
}

// next returns the task that has waited longest among those that may start now, and occupies what it needs. A class whose turn it is but
// that has to wait for a resource reserves it: later ones that need it as well wait behind it, so that small tasks cannot starve a large
// one. Wait is the shortest time after which a rate limit lets something start, or 0.
func (l *limits) next(now time.Time) (t *task, wait time.Duration) {
	if len(l.order) == 0 || l.max.Parallel > 0 && l.running >= l.max.Parallel {
		return nil, 0
	}
	slices.SortFunc(l.order, func(a, b *class) int { return a.queue[a.head].seq - b.queue[b.head].seq })
	var reserved reservation
	for i, c := range l.order {
		if reserved.touches(c) {
			continue
		}
		blocked, pause := l.blocked(c, now)
		if blocked == nil {
			return l.take(i, now), 0
		}
		reserved.add(*blocked)
		if pause > 0 && (wait == 0 || pause < wait) {
			wait = pause
		}
	}
	return nil, wait
}

// reservation is what classes with earlier tasks wait for.
type reservation struct {
	cpu, memory, gpu bool
	names            []string
}

func (r *reservation) touches(c *class) bool {
	return r.cpu && c.need.CPU > 0 || r.memory && c.need.Memory > 0 || r.gpu && c.need.GPU > 0 ||
		slices.ContainsFunc(c.names, func(n string) bool { return slices.Contains(r.names, n) })
}

func (r *reservation) add(o reservation) {
	r.cpu, r.memory, r.gpu = r.cpu || o.cpu, r.memory || o.memory, r.gpu || o.gpu
	r.names = append(r.names, o.names...)
}

// blocked returns what c reserves because it has to wait, or nil: the resources that it waits for, and all its named limits, since a task
// that needs two of them might otherwise never find both free.
func (l *limits) blocked(c *class, now time.Time) (*reservation, time.Duration) {
	r := reservation{
		cpu:    l.max.CPU > 0 && l.used.CPU+c.need.CPU > l.max.CPU+1e-9,
		memory: l.max.Memory > 0 && l.used.Memory+c.need.Memory > l.max.Memory,
		gpu:    l.used.GPU+c.need.GPU > l.max.GPU,
	}
	short := r.cpu || r.memory || r.gpu
	var pause time.Duration
	for _, name := range c.names {
		n := l.named[name]
		if n.Concurrency > 0 && n.running >= n.Concurrency {
			short = true
		} else if n.rate != nil && n.rate.TokensAt(now) < 1 {
			short = true
			pause = max(pause, time.Duration((1-n.rate.TokensAt(now))/n.Rate*float64(time.Second))+time.Microsecond)
		}
	}
	if !short {
		return nil, 0
	}
	r.names = c.names
	return &r, pause
}

// take occupies what the first task of the i-th class needs.
func (l *limits) take(i int, now time.Time) *task {
	c := l.order[i]
	t := c.queue[c.head].t
	c.queue[c.head] = queued{}
	c.head++
	if c.head == len(c.queue) {
		c.queue, c.head = c.queue[:0], 0
		l.order = slices.Delete(l.order, i, i+1)
	}
	l.running++
	l.used.CPU += c.need.CPU
	l.used.Memory += c.need.Memory
	l.used.GPU += c.need.GPU
	for _, name := range c.names {
		n := l.named[name]
		n.running++
		if n.rate != nil {
			n.rate.AllowN(now, 1)
		}
	}
	return t
}

// release gives back what one attempt of a class occupied.
func (l *limits) release(c *class) {
	l.running--
	l.used.CPU -= c.need.CPU
	l.used.Memory -= c.need.Memory
	l.used.GPU -= c.need.GPU
	for _, name := range c.names {
		l.named[name].running--
	}
	if l.running == 0 {
		l.used.CPU = 0 // sums of fractions drift
	}
}

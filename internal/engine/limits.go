package engine

import (
	"fmt"
	"maps"
	"slices"
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
	classes map[string]*class
	order   []*class
	waiting int
	seq     int
}

type namedLimit struct {
	orchestrator.Limit
	running int
	rate    *rate.Limiter
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

func newLimits(max orchestrator.Limits, parallel int) *limits {
	if parallel > 0 {
		max.Parallel = parallel
	}
	l := &limits{max: max, named: map[string]*namedLimit{}, classes: map[string]*class{}}
	for name, limit := range max.Named {
		n := &namedLimit{Limit: limit}
		if limit.Rate > 0 {
			n.rate = rate.NewLimiter(rate.Limit(limit.Rate), max1(limit.Burst))
		}
		l.named[name] = n
	}
	return l
}

func max1(n int) int { return max(n, 1) }

// classOf returns the class of a node's tasks. What could never start is refused.
func (l *limits) classOf(n *node) (*class, error) {
	c := n.plan.Config
	need := c.Resources
	if need.CPU == 0 {
		need.CPU = 1
		if l.max.CPU > 0 {
			need.CPU = min(1, l.max.CPU)
		}
	}
	refuse := func(field, want, have string) (*class, error) {
		return nil, component.Errorf(component.Invalid, "step %s: resources.%s: %s is more than the %s that the orchestrator may use: ask for less, or raise its %s", n.name(), field, want, have, field)
	}
	switch {
	case l.max.CPU > 0 && need.CPU > l.max.CPU:
		return refuse("cpu", fmt.Sprint(need.CPU), fmt.Sprint(l.max.CPU))
	case l.max.Memory > 0 && need.Memory > l.max.Memory:
		return refuse("memory", need.Memory.String(), l.max.Memory.String())
	case need.GPU > l.max.GPU:
		return refuse("gpu", fmt.Sprint(need.GPU), fmt.Sprint(l.max.GPU))
	}
	for _, name := range c.Limits {
		if l.named[name] == nil {
			return nil, component.Errorf(component.Invalid, "step %s: limits: the orchestrator has no limit %q; it has %s", n.name(), name, listNames(l.named))
		}
	}
	key := fmt.Sprint(need, c.Limits)
	if known := l.classes[key]; known != nil {
		return known, nil
	}
	cl := &class{need: need, names: c.Limits}
	l.classes[key] = cl
	l.order = append(l.order, cl)
	return cl, nil
}

func listNames(named map[string]*namedLimit) string {
	if len(named) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}

func (l *limits) push(t *task) {
	l.seq++
	l.waiting++
	c := t.n.class
	c.queue = append(c.queue, queued{t, l.seq})
}

// next returns the task that has waited longest among those that may start now, and occupies what it needs. A class whose turn it is but
// that has to wait for a resource reserves it: later ones that need it as well wait behind it, so that small tasks cannot starve a large
// one. Wait is the shortest time after which a rate limit lets something start, or 0.
func (l *limits) next(now time.Time) (t *task, wait time.Duration) {
	if l.waiting == 0 || l.max.Parallel > 0 && l.running >= l.max.Parallel {
		return nil, 0
	}
	if len(l.order) > 1 {
		slices.SortFunc(l.order, func(a, b *class) int { return a.firstSeq() - b.firstSeq() })
	}
	var reserved reservation
	for _, c := range l.order {
		if c.head == len(c.queue) {
			continue
		}
		if reserved.touches(c) {
			continue
		}
		blocked, pause := l.blocked(c, now)
		if blocked == nil {
			return l.take(c), 0
		}
		reserved.add(*blocked)
		if pause > 0 && (wait == 0 || pause < wait) {
			wait = pause
		}
	}
	return nil, wait
}

func (c *class) firstSeq() int {
	if c.head == len(c.queue) {
		return 1 << 62
	}
	return c.queue[c.head].seq
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

// blocked returns what c has to wait for, or nil.
func (l *limits) blocked(c *class, now time.Time) (*reservation, time.Duration) {
	r := reservation{
		cpu:    l.max.CPU > 0 && l.used.CPU+c.need.CPU > l.max.CPU+1e-9,
		memory: l.max.Memory > 0 && l.used.Memory+c.need.Memory > l.max.Memory,
		gpu:    l.used.GPU+c.need.GPU > l.max.GPU,
	}
	var pause time.Duration
	for _, name := range c.names {
		n := l.named[name]
		if n.Concurrency > 0 && n.running >= n.Concurrency {
			r.names = append(r.names, name)
		} else if n.rate != nil && n.rate.TokensAt(now) < 1 {
			r.names = append(r.names, name)
			pause = max(pause, time.Duration((1-n.rate.TokensAt(now))/n.Rate*float64(time.Second))+time.Microsecond)
		}
	}
	if !r.cpu && !r.memory && !r.gpu && len(r.names) == 0 {
		return nil, 0
	}
	return &r, pause
}

func (l *limits) take(c *class) *task {
	t := c.queue[c.head].t
	c.queue[c.head] = queued{}
	c.head++
	if c.head == len(c.queue) {
		c.queue, c.head = c.queue[:0], 0
	}
	l.waiting--
	l.running++
	l.used.CPU += c.need.CPU
	l.used.Memory += c.need.Memory
	l.used.GPU += c.need.GPU
	for _, name := range c.names {
		n := l.named[name]
		n.running++
		if n.rate != nil {
			n.rate.Allow()
		}
	}
	return t
}

// release gives back what an attempt of t occupied.
func (l *limits) release(t *task) {
	c := t.n.class
	l.running--
	l.used.CPU -= c.need.CPU
	l.used.Memory -= c.need.Memory
	l.used.GPU -= c.need.GPU
	for _, name := range c.names {
		l.named[name].running--
	}
}

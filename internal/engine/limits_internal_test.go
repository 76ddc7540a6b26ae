package engine

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/step"
)

// queue is a small driver of limits.
type queue struct {
	t interface{ Fatal(...any) }
	l *limits
	n int
	// classes by the index of a task
	classes map[int]*class
}

func newQueue(t interface{ Fatal(...any) }, most orchestrator.Limits) *queue {
	return &queue{t: t, l: newLimits(most, 0), classes: map[int]*class{}}
}

// push adds a task and returns its index.
func (q *queue) push(c step.Config) int {
	class, err := q.l.classOf("s", c)
	if err != nil {
		q.t.Fatal(err)
	}
	q.l.push(&task{index: q.n}, class)
	q.classes[q.n] = class
	q.n++
	return q.n - 1
}

// start starts all that may start now.
func (q *queue) start(now time.Time) (started []int, wait time.Duration) {
	for {
		t, w := q.l.next(now)
		if t == nil {
			return started, w
		}
		started = append(started, t.index)
	}
}

func (q *queue) release(i int) { q.l.release(q.classes[i]) }

func (q *queue) expect(now time.Time, want ...int) time.Duration {
	got, wait := q.start(now)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		q.t.Fatal("started", got, "want", want)
	}
	return wait
}

func cpu(n float64) step.Config { return step.Config{Resources: step.Resources{CPU: n}} }

func TestLargeTaskIsNotStarved(t *testing.T) {
	t.Parallel()
	q := newQueue(t, orchestrator.Limits{CPU: 4})
	now := time.Unix(0, 0)
	q.push(cpu(1))
	q.push(cpu(1))
	large := q.push(cpu(4))
	for range 3 {
		q.push(cpu(1))
	}
	q.expect(now, 0, 1) // the small ones behind the large one wait, though two cores are free
	q.release(0)
	q.expect(now)
	q.release(1)
	q.expect(now, large)
	q.release(large)
	q.expect(now, 3, 4, 5)
}

func TestWaitingForOneThingDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	q := newQueue(t, orchestrator.Limits{GPU: 1, Named: map[string]orchestrator.Limit{"db": {Concurrency: 1}}})
	now := time.Unix(0, 0)
	gpu := step.Config{Resources: step.Resources{GPU: 1}}
	db := step.Config{Limits: []string{"db"}}
	q.push(gpu)
	q.push(gpu)
	q.push(db)
	q.push(db)
	q.push(step.Config{})
	q.expect(now, 0, 2, 4)
	q.release(2)
	q.expect(now, 3)
	q.release(0)
	q.expect(now, 1)
}

func TestSeveralLimitsAtOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(t, orchestrator.Limits{Named: map[string]orchestrator.Limit{"a": {Concurrency: 1}, "b": {Concurrency: 1}}})
	now := time.Unix(0, 0)
	q.push(step.Config{Limits: []string{"a"}})
	q.push(step.Config{Limits: []string{"b", "a", "b"}}) // the same one twice counts once
	q.push(step.Config{Limits: []string{"b"}})
	q.expect(now, 0) // the third waits behind the second for b
	q.release(0)
	q.expect(now, 1)
	q.release(1)
	q.expect(now, 2)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	q := newQueue(t, orchestrator.Limits{Named: map[string]orchestrator.Limit{"api": {Rate: 10, Burst: 2}}})
	now := time.Unix(0, 0)
	for range 4 {
		q.push(step.Config{Limits: []string{"api"}})
	}
	wait := q.expect(now, 0, 1)
	if wait < 100*time.Millisecond || wait > 101*time.Millisecond {
		t.Errorf("the wait is %v", wait)
	}
	q.expect(now.Add(99 * time.Millisecond))
	q.expect(now.Add(wait), 2)
	q.expect(now.Add(2*wait), 3)
	if len(q.l.order) > 0 {
		t.Error("classes without tasks are kept in order")
	}
}

// TestLimitsHold starts and ends random tasks under random limits: the limits are never exceeded, everything starts in the end, and tasks
// of one class start in order.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := orchestrator.Limits{
			Parallel: rapid.IntRange(0, 4).Draw(t, "parallel"), CPU: float64(rapid.IntRange(1, 4).Draw(t, "cpu")),
			Memory: step.Bytes(rapid.IntRange(1, 4).Draw(t, "memory")), GPU: rapid.IntRange(0, 2).Draw(t, "gpu"),
			Named: map[string]orchestrator.Limit{"a": {Concurrency: 1}, "b": {Concurrency: rapid.IntRange(0, 3).Draw(t, "b")}},
		}
		q := newQueue(t, most)
		var running []int
		var order []int
		now := time.Unix(0, 0)
		total := rapid.IntRange(1, 30).Draw(t, "tasks")
		begin := func() {
			got, _ := q.start(now)
			running = append(running, got...)
			order = append(order, got...)
			var used step.Resources
			names := map[string]int{}
			for _, i := range running {
				c := q.classes[i]
				used.CPU, used.Memory, used.GPU = used.CPU+c.need.CPU, used.Memory+c.need.Memory, used.GPU+c.need.GPU
				for _, n := range c.names {
					names[n]++
				}
			}
			if most.Parallel > 0 && len(running) > most.Parallel || used.CPU > most.CPU || used.Memory > most.Memory || used.GPU > most.GPU ||
				names["a"] > 1 || most.Named["b"].Concurrency > 0 && names["b"] > most.Named["b"].Concurrency {
				t.Fatalf("limits %+v are exceeded by %+v, %v, %d tasks", most, used, names, len(running))
			}
		}
		for q.n < total || len(order) < total {
			if q.n < total && rapid.Bool().Draw(t, "push") {
				q.push(step.Config{
					Resources: step.Resources{
						CPU: float64(rapid.IntRange(0, int(most.CPU)).Draw(t, "need cpu")), Memory: step.Bytes(rapid.IntRange(0, int(most.Memory)).Draw(t, "need memory")),
						GPU: rapid.IntRange(0, most.GPU).Draw(t, "need gpu"),
					},
					Limits: rapid.SampledFrom([][]string{nil, {"a"}, {"b"}, {"a", "b"}}).Draw(t, "limits"),
				})
			} else if len(running) > 0 {
				k := rapid.IntRange(0, len(running)-1).Draw(t, "end")
				q.release(running[k])
				running = append(running[:k], running[k+1:]...)
			} else if q.n == total {
				if begin(); len(running) == 0 {
					t.Fatalf("nothing runs, and nothing starts: %d of %d started", len(order), total)
				}
				continue
			}
			begin()
		}
		last := map[*class]int{}
		for _, i := range order {
			if prev, ok := last[q.classes[i]]; ok && prev > i {
				t.Fatalf("%d started before %d of the same class", prev, i)
			}
			last[q.classes[i]] = i
		}
	})
}

func TestTolerated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t     step.Tolerance
		count int
		want  int
	}{
		{step.Tolerance{}, 100, 0}, {step.NoTolerance, 100, 0}, {step.Tolerance{Count: 3}, 100, 3}, {step.Tolerance{Share: 0.29}, 100, 29},
		{step.Tolerance{Share: 0.1}, 9, 0}, {step.Tolerance{Share: 0.1, Count: 2}, 10, 2}, {step.Tolerance{Share: 1}, 7, 7},
	} {
		if got := tolerated(c.t, c.count); got != c.want {
			t.Errorf("%+v of %d tolerates %d, want %d", c.t, c.count, got, c.want)
		}
	}
}

func TestBackoffGrowsWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := step.Retry{
			Attempts: 50, Backoff: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "backoff")),
			MaxBackoff: time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "max")),
		}
		r := newRetry(c)
		first, most := c.Backoff, c.MaxBackoff
		if first == 0 {
			first = time.Second
		}
		if most == 0 {
			most = max(time.Minute, first)
		}
		want := min(first, most)
		for i := range 50 {
			got := r.next()
			if got < want*8/10-1 || got > want*12/10+1 {
				t.Fatalf("wait %d is %v, want %v and a fifth at most", i, got, want)
			}
			want = min(2*want, most)
		}
	})
}

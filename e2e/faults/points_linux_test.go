package faults_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/points"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// place is a point at which a program is killed, and what must be seen after that.
type place struct {
	name string
	// point returns the point, "" if the program cannot come to it now. It comes to it about often times.
	point func(e *endurance) string
	often int
	// args, if not nil, are those of the program that comes to it.
	args []string
	// seen reports whether what was left is what a kill at the point leaves. Note is what the killed noted.
	seen func(e *endurance, l left, note string) bool
}

// TestKilledAtPoints kills a program at each of the points of package points, and resumes it, as [TestKilledAtRandom] does.
func TestKilledAtPoints(t *testing.T) {
	t.Parallel()
	if !points.SQLite {
		t.Skip("without cgo there are no points inside SQLite")
	}
	hits, size := max(1, trial.Number(t, envKills, 0)/5), sizes[1]
	if hits == 1 {
		size = sizes[0] // a small run is long enough
	}
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	path := builds.Program(t, "endure")
	want := undisturbed(t, path)
	for _, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			t.Logf("%s=%d", envSeed, seed)
			k := &killer{path: path, flags: []string{"--runner", runner}, want: want, random: rand.New(rand.NewPCG(uint64(seed), uint64(runner[0])))}
			all := places()
			for missing(all, k.fallen, hits) > 0 && !t.Failed() {
				if k.runs > 20+4*hits {
					t.Fatalf("%d runs do not come to all points:\n%s", k.runs, k.fallen)
				}
				site := trial.NewSite(t)
				k.endure(t, site, size, func(t *testing.T, e *endurance, args []string) func(left) string {
					return e.strikeAt(t, next(e, all, hits), args)
				})
				site.Remove(t)
			}
			t.Logf("%d kills, %d runs:\n%s", k.fallen.total(), k.runs, k.fallen)
		})
	}
}

// missing returns how many hits are still to be had.
func missing(all []place, h histogram, hits int) (n int) {
	for _, p := range all {
		n += max(0, hits-h[p.name])
	}
	return n
}

// next returns a place that has had the fewest hits, of those that need more and to which the program can come; nil if none needs more.
func next(e *endurance, all []place, hits int) *place {
	var best *place
	for _, i := range e.random.Perm(len(all)) {
		p := &all[i]
		if had := e.fallen[p.name]; had < hits && p.point(e) != "" && (best == nil || had < e.fallen[best.name]) {
			best = p
		}
	}
	if best == nil && missing(all, e.fallen, hits) > 0 {
		further := all[0] // to others it comes when it was killed in its middle
		further.often = 60
		best = &further
	}
	return best
}

// strikeAt starts a program that is killed at a place, unless it ends before.
func (e *endurance) strikeAt(t *testing.T, at *place, args []string) func(left) string {
	t.Helper()
	if at == nil {
		e.site.Run(t, e.path, args...)
		return nil
	}
	if at.args != nil {
		args = at.args
	}
	order := points.Order{Point: at.point(e), Number: 1 + e.random.IntN(at.often), Path: filepath.Join(e.site.Dir, "point")}
	note := kill(t, e.site, order, e.path, args...)
	if note == nil {
		return nil
	}
	return func(l left) string {
		if !at.seen(e, l, *note) {
			t.Errorf("killed by %+v, which noted %q, %v left a run in epoch %d, %s, after %d, and %d bytes of a commit", order, *note, args, l.run.Epoch, l.run.State, e.epoch, l.torn)
		}
		return at.name
	}
}

// kill starts a program that is killed at a point, and returns what was noted there; nil if it did not come to it, and ended well.
func kill(t *testing.T, site *trial.Site, order points.Order, path string, args ...string) (note *string) {
	t.Helper()
	p := site.StartWith(t, []string{order.Variable()}, path, args...)
	err := p.Wait(t)
	text, fell := order.Fell()
	if fell != (err != nil) || fell && p.ProcessState.String() != "signal: killed" {
		t.Fatalf("%v with %+v: %v, killed there: %t\n%s", args, order, err, fell, p.Said())
	}
	order.Forget()
	if !fell {
		return nil
	}
	return &text
}

// places returns all of them but those of the garbage collector.
func places() []place {
	always := func(point string) func(*endurance) string { return func(*endurance) string { return point } }
	when := func(ok func(e *endurance) bool, point func(e *endurance) string) func(*endurance) string {
		return func(e *endurance) string {
			if !ok(e) {
				return ""
			}
			return point(e)
		}
	}
	all := []place{
		{"commit: its first row has changed", always(points.Begun), 20, nil, func(e *endurance, l left, _ string) bool { return e.asTorn(l) }},
		{"artifact: half of it written", always(points.PutHalf), 3, nil, func(e *endurance, _ left, _ string) bool { return e.hasTemporary() }},
		{"artifact: bytes stored, not recorded", always(points.PutDone), 15, nil, func(e *endurance, _ left, digest string) bool {
			info, err := os.Stat(e.site.File(artifact.Digest(digest)))
			return err == nil && info.Size() > 0
		}},
		{"database: its log is being copied into it", when((*endurance).logged, always(points.Database)), 4, []string{"tenon", "run", "list"},
			func(e *endurance, l left, _ string) bool { return e.asTorn(l) }},
	}
	anything := func(*endurance, left) bool { return true }
	all = append(all, commits("commit", always(points.AnyCommit), 20, anything, anything)...)
	all = append(all, commits("checkpoint", when((*endurance).saves, always(points.Checkpoint)), 5, anything,
		func(_ *endurance, l left) bool { return len(l.records.Checkpoints) == 1 })...)
	all = append(all, commits("run: its first record", when((*endurance).unknown, always(points.Submit)), 1,
		func(_ *endurance, l left) bool { return l.run.ID == "" },
		func(_ *endurance, l left) bool { return l.run.State == metadata.RunRunning })...)
	// Who resumes a run that nobody has looked at since first records that its program is gone.
	all = append(all, commits("resume: recording the kill", when((*endurance).lost, always(points.Run+"1")), 1,
		func(e *endurance, l left) bool { return !l.run.State.Ended() && l.run.Epoch == e.epoch },
		func(e *endurance, l left) bool {
			return l.run.State == metadata.RunFailed && l.run.Lost && l.run.Epoch == e.epoch+1
		})...)
	all = append(all, commits("resume: taking over", when((*endurance).known, func(e *endurance) string { return points.Run + strconv.Itoa(e.looks()) }), 1,
		func(e *endurance, l left) bool { return l.run.Lost && l.run.Epoch == e.epoch+e.looks()-1 },
		func(e *endurance, l left) bool {
			return l.run.State == metadata.RunRunning && l.run.Epoch == e.epoch+e.looks()
		})...)
	all = append(all, commits("run: its end", when((*endurance).halfDone, func(e *endurance) string { return points.Run + strconv.Itoa(e.looks()+1) }), 1,
		func(_ *endurance, l left) bool { return l.run.State == metadata.RunRunning },
		func(_ *endurance, l left) bool { return l.run.State == metadata.RunSucceeded })...)
	return all
}

// commits returns the three places of a kind of commit. Before and after report whether what it records is not recorded, or is.
func commits(name string, kind func(*endurance) string, often int, before, after func(*endurance, left) bool) []place {
	at := func(what, point string, torn bool, seen func(*endurance, left) bool) place {
		return place{name: name + ", " + what, often: often,
			point: func(e *endurance) string {
				if kind(e) == "" {
					return ""
				}
				return kind(e) + point
			},
			seen: func(e *endurance, l left, _ string) bool {
				return (torn && l.torn > 0 || !torn && e.asTorn(l)) && seen(e, l)
			},
		}
	}
	return []place{
		at("1 nothing of it written", points.Open, false, before),
		at("2 half of it written", points.Log, true, before),
		at("3 written, nobody told", points.Done, false, after),
	}
}

func (e *endurance) known() bool { return e.run != "" }

// logged reports whether there is a log, which is copied when a program ends that is the only one.
func (e *endurance) logged() bool {
	info, err := os.Stat(filepath.Join(e.site.Home, "tenon.db-wal"))
	return e.known() && err == nil && info.Size() > 0
}

func (e *endurance) unknown() bool { return e.run == "" }
func (e *endurance) lost() bool    { return e.run != "" && !e.ended }

// asTorn reports whether no commit was torn but one of an earlier program. Its rest stays in the log until others have been written over all of
// it.
func (e *endurance) asTorn(l left) bool { return l.torn == 0 || e.torn > 0 }

// looks is how often a resume changes the run until it has taken over.
func (e *endurance) looks() int {
	if e.lost() {
		return 2
	}
	return 1
}

// saves reports whether the long step has something to save yet.
func (e *endurance) saves() bool {
	return e.saved < 20 && !e.done[metadata.StepKey{Run: e.run, Step: "long", Index: -1}]
}

// halfDone reports whether the run is soon at its end, if nobody disturbs it.
func (e *endurance) halfDone() bool { return e.known() && len(e.done) >= e.size }

// hasTemporary reports whether the artifact store has a temporary file with something in it.
func (e *endurance) hasTemporary() bool {
	files, _ := filepath.Glob(filepath.Join(e.site.Home, "artifacts", "tmp", "*", "*"))
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 && !strings.HasSuffix(path, "lock") {
			return true
		}
	}
	return false
}

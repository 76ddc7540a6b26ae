package faults_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/e2e/faults/points"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

// garbage is how many contents nothing refers to that a collector finds at least.
const garbage = 30

// phase is a point at which a collector is killed.
type phase struct {
	name, point string
	commit      int // of which it is a point, by number, if it is one of a commit
	often       int
	// What must be seen after that: whether contents that are being deleted are left, and how much garbage is gone and how much is not.
	begun bool
	seen  func(gone, rest int) bool
}

func phases() []phase {
	none := func(gone, rest int) bool { return gone == 0 && rest > 0 }
	some := func(gone, rest int) bool { return gone > 0 && rest > 0 }
	all := func(gone, rest int) bool { return gone > 0 && rest == 0 }
	return []phase{
		{"gc: condemning, 1 nothing of it written", points.Open, 1, 1, false, none},
		{"gc: condemning, 2 half of it written", points.Log, 1, 1, false, none},
		{"gc: condemning, 3 written, nobody told", points.Done, 1, 1, false, none},
		{"gc: deletion begins, 1 nothing of it written", points.Open, 2, 1, false, none},
		{"gc: deletion begins, 2 half of it written", points.Log, 2, 1, false, none},
		{"gc: deletion begins, 3 written, nobody told", points.Done, 2, 1, true, none},
		{"gc: deleting, before the first file", points.BeforeDelete, 0, 1, true, func(_, rest int) bool { return rest > 0 }}, // several at once
		{"gc: deleting, between two files", points.AfterDelete, 0, garbage / 2, true, some},
		{"gc: deletion ends, 1 nothing of it written", points.Open, 3, 1, true, all},
		{"gc: deletion ends, 2 half of it written", points.Log, 3, 1, true, all},
		{"gc: deletion ends, 3 written, nobody told", points.Done, 3, 1, false, all},
		{"gc: at its end, its log half copied", points.Database, 0, 2, false, all},
	}
}

// Whoever opens the state ends the deletions of a killed collector first, before it collects itself.
func finishing() []phase {
	none := func(gone, rest int) bool { return gone == 0 && rest > 0 }
	return []phase{
		{"after gc: ending its deletions, 1 nothing of it written", points.Open, 1, 1, true, none},
		{"after gc: ending its deletions, 2 half of it written", points.Log, 1, 1, true, none},
		{"after gc: ending its deletions, 3 written, nobody told", points.Done, 1, 1, false, none},
	}
}

// TestCollectorKilledAtPoints kills garbage collectors in each phase of their work, beside a run that was killed before. What is recorded keeps
// its bytes, the next collector deletes all that is left and nothing else, and the run is resumed.
func TestCollectorKilledAtPoints(t *testing.T) {
	t.Parallel()
	if !points.SQLite {
		t.Skip("without cgo there are no points inside SQLite")
	}
	hits := max(1, trial.Number(t, envKills, 0)/5)
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	t.Logf("%s=%d", envSeed, seed)
	path := builds.Program(t, "endure")
	want := undisturbed(t, path)
	c := &collection{path: path, random: rand.New(rand.NewPCG(uint64(seed), 'c'))}
	for round := 0; round < hits && !t.Failed(); round++ {
		c.site = trial.NewSite(t)
		run := c.halfDone(t)
		for _, p := range phases() {
			c.strike(t, p)
			if len(c.site.Deleting(t)) == 0 {
				continue
			}
			if finish := finishing(); c.finished < len(finish)*hits {
				c.strike(t, finish[c.finished%len(finish)])
				c.finished++
			}
			c.checkOpened(t)
		}
		c.checkAll(t)
		c.site.Run(t, path, "resume", run)
		if diff := cmp.Diff(want[sizes[0]], c.site.Records(t).Digests(run)); diff != "" {
			t.Errorf("digests of results (-undisturbed +killed):\n%s", diff)
		}
		c.checkAll(t)
		c.site.Remove(t)
	}
	t.Logf("%d kills:\n%s", c.fallen.total(), c.fallen)
}

// collection collects on one site after the other.
type collection struct {
	path   string
	site   *trial.Site
	random *rand.Rand
	fallen histogram
	// made counts contents that are garbage, and finished the kills of those who end deletions.
	made, finished int
}

// halfDone kills a run in its middle, and returns its ID.
func (c *collection) halfDone(t *testing.T) (run string) {
	t.Helper()
	order := points.Order{Point: points.AnyCommit + points.Done, Number: 10 + c.random.IntN(20), Path: filepath.Join(c.site.Dir, "point")}
	if kill(t, c.site, order, c.path, "run", "--set", "items="+strconv.Itoa(sizes[0])) == nil {
		t.Fatal("the run was not killed")
	}
	c.site.Quiet(t)
	r := c.site.Left(t)
	if len(r.Runs) != 1 {
		t.Fatalf("there are %d runs", len(r.Runs))
	}
	return r.Runs[0].ID
}

// put puts content that nothing refers to, as a step does that is killed before it is recorded.
func (c *collection) put(t *testing.T) {
	t.Helper()
	store, err := local.Open(filepath.Join(c.site.Home, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for range garbage {
		c.made++
		if _, err := store.Put(t.Context(), bytes.NewReader(fmt.Appendf(nil, "garbage %d", c.made))); err != nil {
			t.Fatal(err)
		}
	}
}

// strike kills a collector, and checks what it left.
func (c *collection) strike(t *testing.T, p phase) {
	t.Helper()
	c.put(t)
	before := c.site.Content(t)
	point := p.point
	if p.commit > 0 {
		point = points.Collect + strconv.Itoa(p.commit) + point
	}
	order := points.Order{Point: point, Number: 1 + c.random.IntN(p.often), Path: filepath.Join(c.site.Dir, "point")}
	args := []string{"tenon", "gc", "--grace", "0s"}
	if kill(t, c.site, order, c.path, args...) == nil {
		t.Fatalf("%s: it was not killed", p.name)
	}
	c.fallen.add(p.name)
	c.site.Quiet(t)
	c.site.Unlocked(t)
	torn := c.site.Torn(t)
	r := c.site.Left(t)
	c.site.Intact(t, r)
	left := len(c.site.Deleting(t))
	recorded, there, rest := r.Content(), c.site.Content(t), 0
	for d := range there {
		if _, kept := recorded[d]; !kept {
			rest++
		}
	}
	gone := len(before) - len(there)
	if p.point == points.Log && torn == 0 || p.begun != (left > 0) || !p.seen(gone, rest) {
		t.Errorf("%s: %d bytes of a commit are left, %d contents are being deleted, of the garbage %d are gone and %d are there", p.name, torn, left, gone, rest)
	}
}

// checkOpened checks that whoever opens the state next lets nobody wait for a collector that was killed.
func (c *collection) checkOpened(t *testing.T) {
	t.Helper()
	c.site.Run(t, c.path, "tenon", "run", "list")
	if left := c.site.Deleting(t); len(left) > 0 {
		t.Errorf("%d contents are still being deleted", len(left))
	}
	c.site.Intact(t, c.site.Left(t))
}

// checkAll collects undisturbed, and checks that what is recorded is there and nothing else.
func (c *collection) checkAll(t *testing.T) {
	t.Helper()
	c.site.Run(t, c.path, "tenon", "gc", "--grace", "0s")
	r := c.site.Records(t)
	want := map[artifact.Digest]bool{}
	for d := range r.Content() {
		want[d] = true
	}
	if diff := cmp.Diff(want, c.site.Content(t)); diff != "" {
		t.Errorf("contents (-recorded +there):\n%s", diff)
	}
	c.site.Verify(t, r)
	if unended, left := c.site.Records(t).Unended(), c.site.Deleting(t); len(unended) > 0 || len(left) > 0 {
		t.Errorf("at the end: %v, being deleted are %v", unended, left)
	}
	c.site.Unlocked(t)
	checkTemporary(t, c.site)
}

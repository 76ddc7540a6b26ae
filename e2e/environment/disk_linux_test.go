package environment_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
)

const (
	ample    = "size=256m,nr_inodes=100000"
	fewDisks = 5
)

func digestOf(data []byte) artifact.Digest { return artifact.NewDigest(sha256.Sum256(data)) }

// isFull is said when a disk is: by the system, or by SQLite.
func isFull(t *testing.T, p *trial.Program) {
	t.Helper()
	said(t, p)
	if text := brief(p.Said()); !strings.Contains(text, "no space left on device") && !strings.Contains(text, "disk is full") {
		t.Errorf("%v does not say that the disk is full:\n%s", p.Args, text)
	}
}

// TestSmallDisk runs a program on disks of all sizes up to what it needs, so that each is full at another moment: while the database is made, in a
// commit, in an artifact, in a log, in a file of a step.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	t.Logf("%s=%d", envSeed, seed)
	disks := trial.Number(t, envRounds, fewDisks)
	want := undisturbed(t)
	for i, runner := range []string{"goroutine", "process"} {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
			for k := range disks {
				// From 16 KiB to 16 MiB, each octave as likely as the others.
				size := int(math.Exp2(14+10*(float64(k)+random.Float64())/float64(disks))) &^ 4095
				smallDisk(t, "size="+strconv.Itoa(size), runner, want)
			}
		})
	}
}

// TestFewInodes is the same with disks that have space, but can hold few files.
func TestFewInodes(t *testing.T) {
	t.Parallel()
	want := undisturbed(t)
	rounds := trial.Number(t, envRounds, 3)
	for k := range rounds {
		smallDisk(t, "size=64m,nr_inodes="+strconv.Itoa(2+45*k/rounds), []string{"goroutine", "process"}[k%2], want)
	}
}

// reason is the first line in which a program says what was full.
func reason(p *trial.Program) string {
	for line := range strings.Lines(brief(p.Said())) {
		if strings.Contains(line, "no space left") || strings.Contains(line, "is full") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func smallDisk(t *testing.T, options, runner string, want map[string]artifact.Digest) {
	t.Helper()
	site := trial.NewSite(t)
	mount(t, "disk", site.Home, "tmpfs", 0, options)
	args := append(slices.Clone(runArgs), "--runner", runner)
	p := site.Start(t, endure(t), args...)
	err := p.Wait(t)
	site.Quiet(t)
	if err != nil {
		t.Logf("%s: %s", options, reason(p))
		isFull(t, p)
	}
	tidy(t, site)
	remount(t, site.Home, 0, ample)
	recovers(t, site, endure(t), args, want)
}

// fill leaves no space on a disk, nor room for another file.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "fill"), 0o700); err != nil {
		t.Fatal(err)
	}
	full := func(err error) bool {
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		return err != nil
	}
	content := make([]byte, 1<<20)
	for i := 0; ; i++ {
		size := []int{1 << 20, 4096, 0}
		n := 0
		for n < len(size) && full(os.WriteFile(filepath.Join(dir, "fill", fmt.Sprintf("%d-%d", i, n)), content[:size[n]], 0o600)) {
			n++
		}
		if n == len(size) {
			break
		}
	}
	return func() {
		if err := os.RemoveAll(filepath.Join(dir, "fill")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk: when not a byte is left, what is recorded can be looked at, and space be freed with Tenon's own commands.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	site := trial.NewSite(t)
	mount(t, "disk", site.Home, "tmpfs", 0, "size=40m,nr_inodes=400")
	tenon, want := tenonCommand(t), undisturbed(t)
	site.Run(t, endure(t), "run", "--set", "items=5", "--name", "before")
	free := fill(t, site.Home)
	for _, look := range [][]string{
		{"run", "list"}, {"run", "show", "before"}, {"run", "logs", "before", "list"}, {"cache", "list"}, {"artifact", "get", "endure/Chosen"}, {"stack", "list"},
	} {
		site.Run(t, tenon, look...)
	}
	// What runs may not spend what deletions need.
	for range 2 {
		p := site.Start(t, endure(t), runArgs...)
		if p.Wait(t) == nil {
			t.Error("a run succeeds on a full disk")
		}
		isFull(t, p)
		tidy(t, site)
	}
	was := available(t, site.Home)
	site.Run(t, tenon, "run", "delete", "before", "--yes")
	site.Run(t, tenon, "cache", "prune", "--keep-size", "0", "--yes")
	if said := site.Run(t, tenon, "gc", "--grace", "0s"); available(t, site.Home) < was+5<<20 {
		t.Errorf("gc frees %d bytes, and says %s", available(t, site.Home)-was, said)
	}
	free()
	recovers(t, site, endure(t), runArgs, want)
}

// available returns how many bytes can be written.
func available(t *testing.T, dir string) int64 {
	t.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		t.Fatal(err)
	}
	return int64(stat.Bavail) * stat.Bsize
}

package environment_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

const fewCuts = 4

// TestPowerCut cuts the power of the disk that a program works on, at random moments, and starts it again on what had reached the disk: writes
// that were not flushed are lost, and of others the file system may keep some in another order. Whatever is recorded has its content, what
// must survive a cut is there, and the run goes on to what it comes to undisturbed.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cuts, seed := trial.Number(t, envRounds, fewCuts), trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	t.Logf("%s=%d", envSeed, seed)
	want := undisturbed(t)
	needLoop(t)
	random := rand.New(rand.NewPCG(uint64(seed), 3))
	survived := map[string]int{}
	for i := range cuts {
		runner := []string{"goroutine", "process"}[i%2]
		survived[powerCut(t, random, runner, want)]++
	}
	t.Logf("%d cuts, after which the run was %v", cuts, survived)
}

// needLoop skips a test where no disk in a file can be mounted.
func needLoop(t *testing.T) {
	t.Helper()
	for _, program := range []string{"losetup", "mkfs.ext4"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	if os.Geteuid() != 0 || os.Getenv(envMounts) != ownMounts {
		t.Skip("only root mounts disks")
	}
	if said, err := exec.CommandContext(t.Context(), "losetup", "--find").CombinedOutput(); err != nil {
		t.Skipf("no loop devices: %v: %s", err, said)
	}
}

// loop mounts a file as a disk, and returns what unmounts it again.
func loop(t *testing.T, image, dir string) (unmount func()) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), "losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Skipf("losetup: %v: %s", err, said)
	}
	device := strings.TrimSpace(string(said))
	detached := false
	unmount = func() {
		if detached {
			return
		}
		detached = true
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
		if said, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("losetup: %v: %s", err, said)
		}
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), unix.Mount(device, dir, "ext4", 0, "")); err != nil {
		_ = exec.Command("losetup", "--detach", device).Run()
		t.Fatalf("mount %s: %v", device, err)
	}
	t.Cleanup(unmount)
	return unmount
}

// powerCut makes a disk, cuts its power at a random moment of a run, and goes on with what is on it.
func powerCut(t *testing.T, random *rand.Rand, runner string, want map[string]artifact.Digest) (state string) {
	t.Helper()
	site := trial.NewSite(t)
	image := filepath.Join(site.Dir, "disk")
	f, err := os.Create(image)
	if err == nil {
		err = errors.Join(f.Truncate(96<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs: %v: %s", err, said)
	}
	unmount := loop(t, image, site.Home)
	args := append(slices.Clone(runArgs), "--runner", runner)
	p := site.Start(t, endure(t), args...)
	moment := int64(random.IntN(9000)) // bytes of the journal
	for ended := false; !ended; {
		if size, _ := journal.Size(site.Journal); size > moment {
			break
		}
		select {
		case <-p.Ended():
			ended = true
		case <-time.After(time.Duration(random.IntN(3000)) * time.Microsecond):
		}
	}
	var was trial.Records // at least this was recorded before
	if random.IntN(2) == 0 {
		was = site.Records(t)
	}
	cut(t, site.Home)
	p.Kill()
	site.Quiet(t)
	unmount()

	loop(t, image, site.Home) // which replays the journal of the file system
	r := site.Records(t)
	site.Verify(t, r)
	durable(t, was, r)
	state = "not there"
	if len(r.Runs) > 0 {
		state = string(r.Runs[0].State)
	}
	recovers(t, site, endure(t), args, want)
	return state
}

// cut takes a file system from its disk at once. Nothing that has not been written is written any more.
func cut(t *testing.T, dir string) {
	t.Helper()
	const shutdown, noLogFlush = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := unix.IoctlSetPointerInt(int(d.Fd()), shutdown, noLogFlush); err != nil {
		t.Skipf("this system cannot shut a file system down: %v", err)
	}
}

// durable checks that what was recorded durably survived: attempts of 100 ms or longer that had ended, and all that was recorded before them.
func durable(t *testing.T, was, is trial.Records) {
	t.Helper()
	survived := map[string]bool{}
	for _, a := range is.Attempts {
		survived[a.ID] = a.State.Ended()
	}
	for _, a := range was.Attempts {
		if a.State == metadata.StepSucceeded && a.Finished.Sub(a.Started) >= 100*time.Millisecond && !survived[a.ID] {
			t.Errorf("attempt %d of %v, of %v, was recorded before the cut, and is not after it", a.Number, a.StepKey, a.Finished.Sub(a.Started))
		}
	}
	saved := map[metadata.StepKey]time.Time{}
	for _, c := range is.Checkpoints {
		saved[c.StepKey] = c.Saved
	}
	for _, c := range was.Checkpoints {
		if at, ok := saved[c.StepKey]; !is.Done(c.StepKey) && // it is forgotten with the end of its step
			(!ok || at.Before(c.Saved)) {
			t.Errorf("the checkpoint of %v was saved before the cut, and is not after it", c.StepKey)
		}
	}
}

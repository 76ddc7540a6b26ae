package environment_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	envRounds = "TENON_E2E_ROUNDS" // how often what is random is tried
	envSeed   = "TENON_E2E_SEED"   // of what is random
	envMounts = "TENON_E2E_MOUNTS" // "own" in the process that may mount; otherwise why it may not
	ownMounts = "own"
)

// builds are the programs that are run.
var builds trial.Builds

func TestMain(m *testing.M) {
	tenon.RunWorker(pieces)
	if os.Getenv(envMounts) == "" {
		code, err := inNamespace()
		if err == nil {
			os.Exit(code)
		}
		os.Setenv(envMounts, err.Error())
	}
	if os.Getenv(envMounts) == ownMounts {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			os.Setenv(envMounts, err.Error())
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		builds.Remove()
		os.Exit(code)
	}))
}

// inNamespace runs this program again, in a mount namespace that ends with it.
func inNamespace() (code int, err error) {
	runtime.LockOSThread() // its end would be that of the program
	defer runtime.UnlockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), envMounts+"="+ownMounts)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// mount mounts a file system, until the end of the test.
func mount(t *testing.T, source, dir, kind string, flags uintptr, options string) {
	t.Helper()
	if why := os.Getenv(envMounts); why != ownMounts {
		t.Skipf("nothing can be mounted here: %s", why)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(source, dir, kind, flags, options); err != nil {
		t.Fatalf("mount %s on %s (%s): %v", kind, dir, options, err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// remount changes a mounted file system.
func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, options); err != nil {
		t.Fatalf("remount %s (%s): %v", dir, options, err)
	}
}

const items = 6

func endure(t *testing.T) string {
	t.Helper()
	return builds.Program(t, filepath.Join("..", "faults", "endure"))
}

func tenonCommand(t *testing.T) string {
	t.Helper()
	return builds.Program(t, filepath.Join("..", "..", "cmd", "tenon"))
}

var calm struct {
	sync.Mutex
	digests map[string]artifact.Digest
}

// undisturbed returns the digests of a run of endure that nobody disturbs.
func undisturbed(t *testing.T) map[string]artifact.Digest {
	t.Helper()
	calm.Lock()
	defer calm.Unlock()
	if calm.digests == nil {
		site := trial.NewSite(t)
		site.Run(t, endure(t), runArgs...)
		r := site.Records(t)
		calm.digests = r.Digests(r.Runs[0].ID)
	}
	return maps.Clone(calm.digests)
}

var runArgs = []string{"run", "--set", fmt.Sprintf("items=%d", items)}

// brief cuts the lines of a text: endure logs long ones.
func brief(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > 400 {
			line = line[:400] + "...\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// said checks that a program that failed says why, in words that a person can do something with.
func said(t *testing.T, p *trial.Program, words ...string) {
	t.Helper()
	text := brief(p.Said())
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%v does not say %q:\n%s", p.Args, w, text)
		}
	}
	for _, bad := range []string{"panic", "goroutine 1 [", "malformed", "SIGBUS", "unexpected fault"} {
		if strings.Contains(text, bad) {
			t.Errorf("%v says:\n%s", p.Args, text)
		}
	}
}

// tidy checks that a program left nothing half-written behind: no temporary files, and no content that is not what its name says.
func tidy(t *testing.T, site *trial.Site) {
	t.Helper()
	for _, path := range site.Files(t) {
		rel, _ := filepath.Rel(site.Home, path)
		if slices.Contains(strings.Split(filepath.Dir(rel), "/"), "tmp") || strings.Contains(rel, "probe-") || strings.Contains(rel, "memo-") {
			t.Errorf("left behind: %s", rel)
		}
		if hash, ok := strings.CutPrefix(rel, "artifacts/sha256/"); ok {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			if got := digestOf(data); got.Hex() != strings.ReplaceAll(hash, "/", "") {
				t.Errorf("%s has the content %s", rel, got)
			}
		}
	}
}

// recovers checks, once what was wrong is mended, that everything recorded has its content, and that the run goes on, or a new one is made if
// there is none, to what it comes to if nobody disturbs it.
func recovers(t *testing.T, site *trial.Site, path string, args []string, want map[string]artifact.Digest) {
	t.Helper()
	r := site.Records(t)
	site.Verify(t, r)
	if len(r.Runs) == 0 {
		site.Run(t, path, args...)
	} else if r.Runs[0].State != metadata.RunSucceeded {
		site.Run(t, path, "resume", r.Runs[0].ID)
	}
	site.Quiet(t)
	succeeded(t, site, want)
}

// succeeded checks that the newest run is what it is undisturbed, and everything in order.
func succeeded(t *testing.T, site *trial.Site, want map[string]artifact.Digest) {
	t.Helper()
	r := site.Records(t)
	if len(r.Runs) == 0 || r.Runs[0].State != metadata.RunSucceeded {
		t.Fatalf("runs: %+v", r.Runs)
	}
	if diff := cmp.Diff(want, r.Digests(r.Runs[0].ID)); diff != "" {
		t.Errorf("the run came to something else (-undisturbed +got):\n%s", diff)
	}
	if rows := r.Unended(); len(rows) > 0 {
		t.Errorf("not ended: %v", rows)
	}
	site.Verify(t, r)
	tidy(t, site)
}

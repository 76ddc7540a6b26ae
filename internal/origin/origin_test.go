package origin_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/internal/origin"
)

func TestByGoRun(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("0a", 32)
	for path, want := range map[string]bool{
		"/tmp/go-build123/b001/exe/lab":                   true,
		"/caches/go-build/0a/" + digest + "-d/lab":        true,
		"/elsewhere/gocache/0a/" + digest + "-d/lab":      true,
		"/tmp/go-build123/b001/lab.test":                  false,
		"/usr/local/bin/lab":                              false,
		"/home/ada/exe/lab":                               false,
		"/home/ada/0a/" + digest + "/lab":                 false,
		"/home/ada/0a/" + strings.Repeat("x", 64) + "-d/": false,
		"lab": false,
		"":    false,
	} {
		if got := origin.ByGoRun(filepath.FromSlash(path)); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	stamped := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	if got := origin.Of(stamped, "/usr/bin/lab", "/"); got != (origin.Revision{ID: "abc", Modified: true}) {
		t.Errorf("of a program that was built with its revision: %+v", got)
	}
	dir := repository(t)
	inModule := &debug.BuildInfo{Main: debug.Module{Path: "example.com/lab"}}
	const byGoRun = "/tmp/go-build123/b001/exe/lab"
	head := git(t, dir, "rev-parse", "HEAD")
	for name, test := range map[string]struct {
		info      *debug.BuildInfo
		path, dir string
		want      origin.Revision
	}{
		"go run":            {inModule, byGoRun, filepath.Join(dir, "sub"), origin.Revision{ID: head, Modified: true}},
		"built by hand":     {inModule, "/usr/bin/lab", dir, origin.Revision{}},
		"of another module": {&debug.BuildInfo{Main: debug.Module{Path: "example.com/other"}}, byGoRun, dir, origin.Revision{}},
		"elsewhere":         {inModule, byGoRun, t.TempDir(), origin.Revision{}},
	} {
		if got := origin.Of(test.info, filepath.FromSlash(test.path), test.dir); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// Head says what git says, in whatever form git keeps it.
func TestHead(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	sub := filepath.Join(dir, "sub")
	check := func(name, dir string) {
		t.Helper()
		if got, ok := origin.Head(dir); !ok || got != git(t, dir, "rev-parse", "HEAD") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
	check("branch", sub)
	git(t, dir, "pack-refs", "--all")
	check("packed", sub)
	other := filepath.Join(t.TempDir(), "other")
	git(t, dir, "worktree", "add", "-q", "-b", "other", other)
	git(t, other, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "--allow-empty", "-m", "second")
	check("worktree", other)
	check("branch beside a worktree", sub)
	git(t, dir, "checkout", "-q", "--detach")
	check("detached", sub)

	for name, text := range map[string]string{"nonsense": "nonsense", "no such branch": "ref: refs/heads/none", "empty": ""} {
		broken := t.TempDir()
		if err := os.MkdirAll(filepath.Join(broken, ".git"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(broken, ".git", "HEAD"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := origin.Head(broken); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// repository returns a Git working tree with a module and one commit.
func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("// The lab.\nmodule example.com/lab // of ours\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	git(t, dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", "first")
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

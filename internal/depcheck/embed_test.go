package depcheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// build builds a program of testdata.
func build(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	run(t, nil, "go", "build", "-o", bin, "./testdata/"+name)
	return bin
}

// A program that never calls tenon.Main pays nothing for the command line.
func TestEmbeddedProgramLinksNoCommandLine(t *testing.T) {
	t.Parallel()
	symbols := run(t, nil, "go", "tool", "nm", build(t, "embed"))
	for _, method := range []string{"internal/cli.Run", "spf13/cobra.(*Command).Execute", "lipgloss/v2.Style.Render"} {
		if strings.Contains(symbols, method) {
			t.Errorf("a program that embeds Tenon without tenon.Main links %s", method)
		}
	}
	if !strings.Contains(symbols, module+".open") {
		t.Error("the symbols do not show tenon's own code: does this test look at the right binary?")
	}
}

// initLine is what GODEBUG=inittrace=1 says of a package: "init a/b @0.1 ms, 0.01 ms clock, 96 bytes, 2 allocs".
var initLine = regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, (\d+) allocs$`)

// A program pays nothing for packages before main runs: sentinel errors and flavors are all that they make.
func TestNoWorkAtInitialisation(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), build(t, "embed"))
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1", "TENON_HOME="+filepath.Join(t.TempDir(), "home"))
	var out, trace strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &trace
	if err := cmd.Run(); err != nil || out.String() != "3\n" {
		t.Fatalf("the program printed %q, %v\n%s", out.String(), err, trace.String())
	}
	packages := initLine.FindAllStringSubmatch(trace.String(), -1)
	if len(packages) < 10 {
		t.Fatalf("no trace of initialisation in\n%s", trace.String())
	}
	const maxBytes, maxAllocs = 2 << 10, 30
	const maxGenerated = 32 << 10 // descriptors of messages, which are read when the first one is used
	for _, p := range packages {
		bytes, _ := strconv.Atoi(p[2]) // digits
		allocs, _ := strconv.Atoi(p[3])
		limit := maxBytes
		if strings.HasPrefix(p[1], module+"/proto/") {
			limit = maxGenerated
		}
		if strings.HasPrefix(p[1], module) && (bytes > limit || allocs > maxAllocs) {
			t.Errorf("%s makes %d bytes in %d allocations before main runs: do it when it is first needed", p[1], bytes, allocs)
		}
	}
}

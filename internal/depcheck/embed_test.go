package depcheck

import (
	"math"
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
	return buildIn(t, ".", "./testdata/"+name)
}

// buildIn builds a main package of the module in a directory.
func buildIn(t *testing.T, dir, pkg string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "program")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	run(t, nil, "go", "build", "-C", dir, "-o", bin, pkg)
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

// maxBytes and maxAllocs bound what a package makes before main runs: sentinel errors and flavors, tables of constants.
const (
	maxBytes, maxAllocs = 2 << 10, 30
	maxGenerated        = 32 << 10  // descriptors of messages, which are read when the first one is used
	maxProgram          = 512 << 10 // of all packages of a program together, those of others included
)

// A program pays nothing for packages before main runs: sentinel errors and flavors are all that they make. That holds for a program that embeds
// Tenon, for the tenon command, and for the examples with their own packages.
func TestNoWorkAtInitialisation(t *testing.T) {
	t.Parallel()
	t.Run("embed", func(t *testing.T) {
		t.Parallel()
		if out := checkInit(t, build(t, "embed"), maxProgram); out != "3\n" {
			t.Errorf("the program printed %q", out)
		}
	})
	t.Run("tenon", func(t *testing.T) {
		t.Parallel()
		checkInit(t, buildIn(t, ".", module+"/cmd/tenon"), maxProgram, "version")
	})
	examples := filepath.Join("..", "..", "examples")
	mains := strings.Fields(run(t, []string{"GOWORK=off", "GOFLAGS=-mod=mod"}, "go", "list", "-C", examples, "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./..."))
	if len(mains) < 3 {
		t.Fatalf("only %d examples: are they still found?", len(mains))
	}
	for _, pkg := range mains {
		t.Run(strings.TrimPrefix(pkg, module+"/"), func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				t.Skip("links a program")
			}
			checkInit(t, buildIn(t, examples, pkg), math.MaxInt, "--help") // their plots are no part of Tenon
		})
	}
}

// checkInit runs a program and returns what it prints. What its packages make before main runs is bounded, each and all together.
func checkInit(t *testing.T, bin string, most int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1", "TENON_HOME="+filepath.Join(t.TempDir(), "home"))
	var out, trace strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &trace
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, trace.String())
	}
	packages := initLine.FindAllStringSubmatch(trace.String(), -1)
	if len(packages) < 10 {
		t.Fatalf("no trace of initialisation in\n%s", trace.String())
	}
	total := 0
	for _, p := range packages {
		bytes, _ := strconv.Atoi(p[2]) // digits
		allocs, _ := strconv.Atoi(p[3])
		total += bytes
		limit := maxBytes
		if strings.HasPrefix(p[1], module+"/proto/") {
			limit = maxGenerated
		}
		own := p[1] == "main" || p[1] == module || strings.HasPrefix(p[1], module+"/")
		if own && (bytes > limit || allocs > maxAllocs) {
			t.Errorf("%s makes %d bytes in %d allocations before main runs: do it when it is first needed", p[1], bytes, allocs)
		}
	}
	if total > most {
		t.Errorf("the packages of the program make %d bytes before main runs, more than %d:\n%s", total, most, trace.String())
	}
	return out.String()
}

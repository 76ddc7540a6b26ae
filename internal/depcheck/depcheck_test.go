package depcheck

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tenon-ml/tenon"

// layers is the order of dependencies: a package may import those of earlier layers and of its own, never of later ones.
// Packages that are not named here are flavors, commands and tests.
var layers = [][]string{
	{"/internal/part", "/internal/ref", "/internal/codec", "/internal/scope", "/internal/strictyaml"},
	{"/component"},
	{"/artifact", "/step"},
	{"/internal/graph", "/internal/transfer", "/internal/source", "/internal/fingerprint", "/internal/cachekey"},
	{"/orchestrator", "/registry", "/secrets", "/tracker", "/deployer", "/metadata"},
	{"/internal/plan", "/internal/logs", "/internal/worker"},
	{"/internal/engine", "/stack"},
	{"/pipeline"},
	{"/internal/cli"},
	{""},
	{"/pipeline/pipelinetest"},
}

// heavy is what no package of the root module may link: clients of clouds, of Docker and Kubernetes, and RPC stacks. They belong to
// flavors in modules of their own.
var heavy = []string{
	"github.com/aws/", "cloud.google.com/", "google.golang.org/api", "google.golang.org/grpc", "github.com/Azure/",
	"github.com/docker/", "github.com/moby/", "github.com/containerd/", "github.com/google/go-containerregistry",
	"k8s.io/", "sigs.k8s.io/", "github.com/hashicorp/", "gonum.org/",
}

// notInCore is what only the command line may use.
var notInCore = []string{"github.com/spf13/", "charm.land/", "github.com/charmbracelet/"}

func TestLayers(t *testing.T) {
	t.Parallel()
	rank := map[string]int{}
	for i, layer := range layers {
		for _, p := range layer {
			rank[module+p] = i
		}
	}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...") {
		pkg, imports, _ := strings.Cut(line, " ")
		from, ok := rank[pkg]
		if !ok {
			continue
		}
		for _, imp := range strings.Fields(imports) {
			if to, ok := rank[imp]; ok && to > from {
				t.Errorf("%s imports %s, which is of a later layer", pkg, imp)
			}
		}
	}
}

func TestEveryPackageOfALayerExists(t *testing.T) {
	t.Parallel()
	known := goList(t, module+"/...")
	for _, layer := range layers {
		for _, p := range layer {
			if !slices.Contains(known, module+p) {
				t.Errorf("layers names %s, which does not exist", module+p)
			}
		}
	}
}

func TestRootModuleIsLight(t *testing.T) {
	t.Parallel()
	for _, dep := range goList(t, "-deps", module+"/...") {
		for _, h := range heavy {
			if strings.HasPrefix(dep, h) {
				t.Errorf("the root module links %s: move what needs it into a nested module", dep)
			}
		}
	}
}

func TestCoreHasNoCommandLine(t *testing.T) {
	t.Parallel()
	core := []string{
		module + "/artifact", module + "/step", module + "/pipeline", module + "/metadata",
		module + "/metadata/sqlite", module + "/internal/engine", module + "/orchestrator/local", module + "/stack",
	}
	for _, dep := range goList(t, append([]string{"-deps"}, core...)...) {
		for _, n := range notInCore {
			if strings.HasPrefix(dep, n) {
				t.Errorf("a core package links %s", dep)
			}
		}
	}
}

// A program that never calls tenon.Main pays nothing for the command line.
func TestEmbeddedProgramLinksNoCommandLine(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "embed")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	run(t, "go", "build", "-o", bin, "./testdata/embed")
	symbols := run(t, "go", "tool", "nm", bin)
	for _, method := range []string{"internal/cli.Run", "spf13/cobra.(*Command).Execute", "lipgloss/v2.Style.Render"} {
		if strings.Contains(symbols, method) {
			t.Errorf("a program that embeds Tenon without tenon.Main links %s", method)
		}
	}
	if !strings.Contains(symbols, module+".open") {
		t.Error("the symbols do not show tenon's own code: does this test look at the right binary?")
	}
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(run(t, "go", append([]string{"list"}, args...)...)), "\n")
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

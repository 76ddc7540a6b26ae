package depcheck

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tenon-ml/tenon"

// layers is the order of dependencies: a package may import those of earlier layers and of its own, never of later ones.
var layers = [][]string{
	{"/internal/part", "/internal/ref", "/internal/strictyaml", "/internal/cachekey", "/internal/filememo", "/internal/jsonfloat", "/internal/origin", "/internal/scratch", "/internal/stacktrace", "/internal/fingerprint/declgraph", "/proto/tenon/worker/v1"},
	{"/component"},
	{"/internal/newproject", "/internal/codec", "/internal/scope", "/internal/source/location"},
	{"/artifact", "/hook", "/internal/hookset", "/step"},
	{"/internal/graph", "/internal/transfer", "/internal/source", "/internal/fingerprint", "/internal/codedoc", "/internal/procgroup"},
	{"/orchestrator", "/registry", "/secrets", "/tracker", "/deployer", "/metadata"}, // the kinds
	{"/internal/gc", "/internal/plan", "/internal/why", "/internal/hooks", "/internal/logs", "/internal/export", "/internal/worker", "/internal/repro", "/internal/simulate"},
	{"/internal/engine", "/internal/workerrpc", "/stack"},
	{"/pipeline", "/command"},
	{"/internal/cli", "/internal/preview"},
	{""},
	{"/pipeline/pipelinetest"},
}

const (
	kinds = 5  // layer of the kinds
	root  = 10 // layer of package tenon
)

// implementations of kinds, and their test suites, see nothing above the kinds. Of the layers only package tenon knows any.
var implementations = []string{
	"/artifact/local", "/artifact/artifacttest", "/metadata/sqlite", "/metadata/metadatatest", "/orchestrator/local", "/orchestrator/orchestratortest",
}

// apart is what is in no layer: commands, and packages that only tests and benchmarks use.
var apart = []string{"/cmd/tenon", "/internal/fullhome", "/internal/newproject/starter", "/internal/depcheck", "/internal/doccheck"}

// core is what every embedding program links.
var core = []string{"/artifact", "/step", "/pipeline", "/metadata", "/metadata/sqlite", "/internal/engine", "/orchestrator/local", "/artifact/local", "/stack"}

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
			rank[p] = i
		}
	}
	for pkg, imports := range imports(t) {
		from, ranked := rank[pkg]
		implements := slices.Contains(implementations, pkg)
		if !ranked && !implements && !slices.Contains(apart, pkg) {
			t.Errorf("%s has no place yet: add it to layers, implementations or apart", module+pkg)
		}
		for _, imp := range imports {
			to, toRanked := rank[imp]
			switch {
			case ranked && toRanked && to > from:
				t.Errorf("%s imports %s, which is of a later layer", module+pkg, module+imp)
			case ranked && !toRanked && from < root:
				t.Errorf("%s imports %s, which is in no layer", module+pkg, module+imp)
			case implements && (!toRanked || to > kinds):
				t.Errorf("%s implements a kind and imports %s, which is not below the kinds", module+pkg, module+imp)
			}
		}
	}
}

func TestEveryPackageThatIsNamedExists(t *testing.T) {
	t.Parallel()
	known := imports(t)
	for _, p := range slices.Concat(slices.Concat(layers...), implementations, apart, core) {
		if _, ok := known[p]; !ok {
			t.Errorf("%s does not exist", module+p)
		}
	}
	if !slices.Contains(layers[kinds], "/orchestrator") || !slices.Contains(layers[root], "") {
		t.Error("the layers of the kinds and of package tenon moved")
	}
}

// Third parties import component for their flavors; it brings nothing along but the mark that seals what tenon.Open takes.
func TestComponentImportsNothing(t *testing.T) {
	t.Parallel()
	for _, dep := range goList(t, "-deps", module+"/component") {
		if strings.Contains(dep, ".") && dep != module+"/component" && dep != module+"/internal/part" {
			t.Errorf("package component links %s", dep)
		}
	}
}

func TestRootModuleIsLight(t *testing.T) {
	t.Parallel()
	for _, dep := range goList(t, "-deps", module+"/...") {
		if hasPrefix(dep, heavy) {
			t.Errorf("the root module links %s: move what needs it into a nested module", dep)
		}
	}
	for _, mod := range goList(t, "-m", "-f", "{{if not .Indirect}}{{.Path}}{{end}}", "all") {
		if hasPrefix(mod+"/", heavy) {
			t.Errorf("the root module requires %s, so that every program that uses Tenon does: move what needs it into a nested module", mod)
		}
	}
}

func TestCoreHasNoCommandLine(t *testing.T) {
	t.Parallel()
	args := []string{"-deps"}
	for _, p := range core {
		args = append(args, module+p)
	}
	for _, dep := range goList(t, args...) {
		if hasPrefix(dep, notInCore) || dep == module+"/internal/cli" {
			t.Errorf("a core package links %s", dep)
		}
	}
}

func hasPrefix(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// imports returns what each package of the module imports of the module, all without its path.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, line := range goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...") {
		words := strings.Fields(line)
		var own []string
		for _, imp := range words[1:] {
			if imp == module || strings.HasPrefix(imp, module+"/") {
				own = append(own, strings.TrimPrefix(imp, module))
			}
		}
		all[strings.TrimPrefix(words[0], module)] = own
	}
	return all
}

// goList lists without the workspace, whose other modules are no part of this one.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(run(t, []string{"GOWORK=off"}, "go", append([]string{"list"}, args...)...)), "\n")
}

func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

package cli_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestGCScripts are those that delete.
func TestGCScripts(t *testing.T) {
	t.Parallel()
	p := scripts(t, "gc")
	p.Cmds["remember"] = remember
	p.Cmds["unchanged"] = unchanged
	testscript.Run(t, p)
}

// remember notes what is in the home.
func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: remember")
	}
	env, _ := ts.Value("env").(*testscript.Env)
	env.Values["home"] = content(ts)
}

// unchanged says that no byte in the home has changed since remember.
func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: unchanged")
	}
	env, _ := ts.Value("env").(*testscript.Env)
	before, _ := env.Values["home"].(map[string]string)
	after := content(ts)
	if len(before) == 0 {
		ts.Fatalf("nothing is remembered")
	}
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if before[path] != after[path] {
			ts.Fatalf("%s has changed", path)
		}
		delete(after, path)
	}
	for path := range after {
		ts.Fatalf("%s is new", path)
	}
}

// content returns the files of the home with what they hold, and its directories.
func content(ts *testscript.TestScript) map[string]string {
	files := map[string]string{}
	ts.Check(filepath.WalkDir(ts.Getenv("TENON_HOME"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			files[path] = "directory"
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = strings.Clone(string(data))
		return err
	}))
	return files
}

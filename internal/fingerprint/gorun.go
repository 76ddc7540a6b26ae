package fingerprint

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// goRun is a "go run" that built this program and waits for its end.
type goRun struct {
	started time.Time // never later than it really started
	exe     string    // of the go command
	dir     string    // its working directory
	args    []string  // without the command's name
}

// Flags by which the go command builds from something else than the files where they are, or starts something else than what it built.
var divertingFlags = []string{"-overlay", "-modfile", "-toolexec", "-exec", "-pgo"}

// plain reports whether the arguments and the environment say nothing that would make the files on disk other than the program's source.
func (g goRun) plain() bool {
	if slices.ContainsFunc(g.args, diverts) || diverts(os.Getenv("GOFLAGS")) {
		return false
	}
	files := []string{filepath.Join(filepath.Dir(filepath.Dir(g.exe)), "go.env")}
	switch env := os.Getenv("GOENV"); env {
	case "off":
	case "":
		dir, err := os.UserConfigDir()
		if err != nil {
			return false
		}
		files = append(files, filepath.Join(dir, "go", "env"))
	default:
		files = append(files, env)
	}
	for _, file := range files { // what "go env -w" wrote
		if data, err := os.ReadFile(file); err == nil && (diverts(string(data)) || strings.Contains(string(data), "GOWORK=")) {
			return false
		}
	}
	return true
}

func diverts(text string) bool {
	return slices.ContainsFunc(divertingFlags, func(flag string) bool { return strings.Contains(text, flag) })
}

// sourceFiles returns the files that are named on the command line, absolute.
func (g goRun) sourceFiles() []string {
	var files []string
	for _, arg := range g.args {
		if !strings.HasSuffix(arg, ".go") {
			continue
		}
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(g.dir, arg)
		}
		files = append(files, arg)
	}
	return files
}

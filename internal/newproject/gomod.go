package newproject

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// goVersion is the least version of Go, which is Tenon's own.
const goVersion = "1.26.0"

// goMod returns the go.mod of a project in dir.
func (o Options) goMod(dir string) (string, error) {
	mod := "module " + o.Module + "\n\ngo " + goVersion + "\n"
	version := o.Version
	if o.Replace != "" && version == "" {
		version = "v0.0.0" // whatever it is, it is replaced
	}
	if version != "" {
		mod += "\nrequire " + tenon + " " + version + "\n"
	}
	if o.Replace == "" {
		return mod, nil
	}
	if err := checkSource(o.Replace); err != nil {
		return "", err
	}
	to, err := replacement(dir, o.Replace)
	if err != nil {
		return "", err
	}
	return mod + "\nreplace " + tenon + " => " + to + "\n", nil
}

// workspace returns the go.work that the go command uses in a directory unless GOWORK says otherwise; empty if there is none.
func workspace(dir string) string {
	dir, err := physical(dir)
	for ; err == nil; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "go.work")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}

// physical returns the absolute path of a directory with symbolic links followed, as ".." does.
func physical(dir string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir) // the working directory may be named by one
}

// checkSource refuses a directory that does not hold the source of Tenon.
func checkSource(dir string) error {
	f, err := os.Open(filepath.Join(dir, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return component.Errorf(component.Invalid, "%.200q holds no go.mod: name the directory of a checkout of Tenon", dir)
	}
	if err != nil {
		return explain("directory "+dir, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) >= 2 && words[0] == "module" && strings.Trim(words[1], `"`) == tenon {
			return nil
		}
	}
	return component.Errorf(component.Invalid, "%.200q holds another module than %s: name the directory of a checkout of Tenon", dir, tenon)
}

// replacement returns a directory as go.mod writes it: a relative one relative to the project, so that both may be moved together.
func replacement(project, source string) (string, error) {
	to := filepath.ToSlash(filepath.Clean(source))
	if !filepath.IsAbs(source) {
		from, err := physical(filepath.Dir(project)) // the project itself is not there yet
		if err == nil {
			to, err = physical(source)
		}
		if err == nil {
			to, err = filepath.Rel(filepath.Join(from, filepath.Base(project)), to)
		}
		if err != nil {
			return "", component.Errorf(component.Invalid, "%.200q cannot be reached from the project: name it from the root: %w", source, err)
		}
		to = filepath.ToSlash(to) // it begins with ../, since the project is empty
	}
	if strings.ContainsAny(to, " \t\"'`()[]{},\\") || strings.Contains(to, "//") || strings.Contains(to, "=>") {
		return strconv.Quote(to), nil
	}
	return to, nil
}

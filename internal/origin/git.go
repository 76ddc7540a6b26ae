package origin

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

const hexDigits = "0123456789abcdef"

// Root returns the top of the Git working tree that a directory belongs to.
func Root(dir string) (string, bool) { return above(dir, ".git") }

// Head returns the commit that is checked out in the Git working tree of a directory. It reads files and starts no program: a run
// begins within milliseconds.
func Head(dir string) (string, bool) {
	root, ok := Root(dir)
	if !ok {
		return "", false
	}
	git := filepath.Join(root, ".git")
	if info, err := os.Stat(git); err != nil {
		return "", false
	} else if !info.IsDir() { // of a worktree that "git worktree add" made, or of a submodule
		to, ok := strings.CutPrefix(short(git), "gitdir: ")
		if !ok {
			return "", false
		}
		git = within(root, to)
	}
	head := short(filepath.Join(git, "HEAD"))
	name, symbolic := strings.CutPrefix(head, "ref: ")
	if !symbolic {
		return head, isCommit(head)
	}
	shared := git
	if to := short(filepath.Join(git, "commondir")); to != "" {
		shared = within(git, to)
	}
	for _, dir := range []string{git, shared} {
		if id := short(filepath.Join(dir, filepath.FromSlash(name))); isCommit(id) {
			return id, true
		}
	}
	return packed(filepath.Join(shared, "packed-refs"), name)
}

// packed finds a branch among those that Git has gathered in one file.
func packed(file, name string) (string, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if id, ref, ok := strings.Cut(strings.TrimSpace(line), " "); ok && ref == name && isCommit(id) {
			return id, true
		}
	}
	return "", false
}

func isCommit(id string) bool {
	return (len(id) == 40 || len(id) == 64) && strings.Trim(id, hexDigits) == ""
}

// within is a path that is relative to dir.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// short returns the text of a small file, "" if it cannot be read.
func short(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

package doccheck

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	// dropped is what the anchor of a heading leaves out.
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks checks that links within the repository lead to a file, and to a heading of it.
func TestLinks(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		text = strings.Join(split(text, "").prose, "\n")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // leads out
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), filepath.FromSlash(target))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link %s: there is no such file", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, file), anchor) {
				t.Errorf("%s: link %s: %s has no such heading", page, m[1], file)
			}
		}
	}
}

// TestCode checks that every block of Go in the documentation is, but for its indentation, a part of a Go file of this repository: so
// it compiles, and mostly it is tested. What only the documentation needs is in snippets_test.go.
func TestCode(t *testing.T) {
	t.Parallel()
	files := goFiles(t)
	blocks := 0
	for page, text := range pages(t) {
		for _, block := range split(text, "go").blocks {
			blocks++
			code := flat(block)
			if !slices.ContainsFunc(files, func(file string) bool { return strings.Contains(file, code) }) {
				t.Errorf("%s: this block of Go is in no Go file of the repository; take it from an example, or add it to snippets_test.go:\n%s", page, block)
			}
		}
	}
	if blocks < 5 {
		t.Errorf("%d blocks of Go were found; is the documentation still read right?", blocks)
	}
}

// TestReadmeProgram checks that the README shows a whole program: a file that begins with its package clause and ends with main.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join(root, "examples", "line", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(flat(string(file)), "\npackage main")
	blocks := split(pages(t)[filepath.Join(root, "README.md")], "go").blocks
	if !slices.ContainsFunc(blocks, func(b string) bool { return flat(b) == "\npackage main"+program }) {
		t.Error("the README does not show the whole of examples/line/main.go")
	}
}

// TestGraphExample checks that the example in docs/graph.md is what Tenon prints.
func TestGraphExample(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join(root, "examples", "line", "testdata", "graph.json"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := split(pages(t)[filepath.Join(root, "docs", "graph.md")], "json").blocks
	if len(blocks) != 1 {
		t.Fatalf("docs/graph.md has %d blocks of JSON, want one", len(blocks))
	}
	if diff := cmp.Diff(decode(t, string(file)), decode(t, blocks[0])); diff != "" {
		t.Errorf("the example in docs/graph.md is not examples/line/testdata/graph.json (-file +example):\n%s", diff)
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// pages returns the Markdown of the repository by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
	}
	if all[filepath.Join(root, "README.md")] == "" {
		t.Fatal("there is no README.md")
	}
	return all
}

// parts of a page of Markdown.
type parts struct {
	prose  []string // lines outside fenced blocks
	blocks []string // content of the fenced blocks of one language
}

func split(text, language string) parts {
	var p parts
	var block []string
	open := "" // the fence of the block that the line is in
	wanted := false
	for line := range strings.SplitSeq(text, "\n") {
		mark := strings.TrimSpace(line)
		switch {
		case open == "" && strings.HasPrefix(mark, "```"):
			open, wanted, block = "```", mark == "```"+language, nil
		case open == "":
			p.prose = append(p.prose, line)
		case mark == open:
			if wanted {
				p.blocks = append(p.blocks, strings.Join(block, "\n"))
			}
			open = ""
		default:
			block = append(block, line)
		}
	}
	return p
}

// anchors returns the anchors of a page's headings, made as GitHub makes them.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range heading.FindAllStringSubmatch(strings.Join(split(string(text), "").prose, "\n"), -1) {
		all = append(all, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

// goFiles returns the Go files of the repository, flat.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		files = append(files, flat(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// flat returns the lines of a text without their indentation, each after a line break and the last before one.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		b.WriteString("\n" + strings.TrimSpace(line))
	}
	return b.String() + "\n"
}

package fingerprint

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
)

func TestFuncOf(t *testing.T) {
	t.Parallel()
	f, err := FuncOf(TestFuncOf)
	if err != nil || !strings.HasSuffix(f.Name, "fingerprint.TestFuncOf") || filepath.Base(f.File) != "unit_test.go" || f.base() != "TestFuncOf" || f.literal() {
		t.Errorf("%+v, %v", f, err)
	}
	for _, bad := range []any{nil, 1, (func())(nil), &f} {
		if _, err := FuncOf(bad); !errors.Is(err, component.ErrInvalid) {
			t.Errorf("FuncOf(%T): %v", bad, err)
		}
	}
	for name, literal := range map[string]bool{
		"main.Train": false, "main.main.func1": true, "main.glob..func1": true, "main.init.func1.2": true, "a.b/c.(*T).M.func3": true, "main.function": false,
		"main.func1er": false, "main.(*T).M": false, "main.T.M-fm": false, "main.made[...].func1": true, "main.f.gowrap1": true, "main.main.f-range1": true,
	} {
		if got := (Func{Name: name}).literal(); got != literal {
			t.Errorf("%s: a literal %v", name, got)
		}
	}
}

// A test is not started by "go run": its executable speaks.
func TestInThisProcess(t *testing.T) {
	t.Parallel()
	c := NewCoarse(Options{MemoDir: t.TempDir()})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Fingerprint(ended, TestFuncOf, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	want, err := c.Fingerprint(t.Context(), TestFuncOf, "")
	if err != nil || want.Mode != ModeExecutable || !strings.HasPrefix(want.Digest, "sha256:") || want.Captured != "" {
		t.Fatalf("%+v, %v", want, err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := c.Fingerprint(t.Context(), TestFuncOf, "")
			other, otherErr := c.Fingerprint(t.Context(), TestInThisProcess, "")
			if err != nil || otherErr != nil || got != want || other.Digest == want.Digest {
				t.Errorf("%+v and %+v, %v, %v", got, other, err, otherErr)
			}
		})
	}
	group.Wait()
	if _, err := c.Fingerprint(t.Context(), nil, ""); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("of nil: %v", err)
	}
}

func TestExecutableThatCannotBeFound(t *testing.T) {
	t.Parallel()
	gone := errors.New("nobody knows")
	c := newCoarse(Options{}, func() (goRun, bool) { return goRun{}, false }, func() (string, error) { return "", gone })
	_, err := c.Fingerprint(t.Context(), TestFuncOf, "")
	if _, linux := os.Stat("/proc/self/exe"); linux == nil {
		if err != nil {
			t.Errorf("/proc/self/exe is there: %v", err)
		}
		return
	}
	if !errors.Is(err, gone) || !errors.Is(err, component.ErrFailedPrecondition) {
		t.Error(err)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]facts{
		"package p":                  {},
		"not Go":                     {},
		"package p\n\nvar c = \"C\"": {},
		"package p\n\nimport \"C\"":  {Unclear: true},
		"package p\n\nimport `C`":    {Unclear: true},
		"package p\n\nimport (\n\t\"fmt\"\n\t_ \"C\"\n)": {Unclear: true},
		"package \"C\"": {Unclear: true},
		"package p\n\n//go:embed a b/*.txt\nvar x string":              {Embeds: []string{"a", "b/*.txt"}},
		"package p\n\n//go:embed a\n//go:embed\tall:b\nvar x":          {Unclear: true}, // does not parse
		"package p\n\n//go:embed a\n//go:embed\tall:b\nvar x embed.FS": {Embeds: []string{"a", "all:b"}},
		"package p\n\n//go:embed \"a b\"\nvar x string":                {Unclear: true},
		"package p\n\n//go:embed `a`\nvar x string":                    {Unclear: true},
		"package p\n\n//go:embedded a\nvar x string":                   {},
		"package p\n\nvar x = \"//go:embed a\"":                        {},
		"package p\n\nimport \"C\"\n\n//go:embed a\nvar x string":      {Unclear: true},
	} {
		if d := cmp.Diff(want, factsOf([]byte(src))); d != "" {
			t.Errorf("%q:\n%s", src, d)
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add("package p\n\nimport _ \"embed\"\n\n//go:embed a all:b \"c\"\nvar x string")
	f.Add("package p; import \"C\"")
	f.Fuzz(func(_ *testing.T, src string) { factsOf([]byte(src)) })
}

func TestFactMemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, memo := filepath.Join(dir, "a.go"), filepath.Join(dir, "memo", "facts.json")
	src := "package p\n\n//go:embed x\nvar x string"
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	digest, want := hashOf([]byte(src)), facts{Embeds: []string{"x"}}
	m := newFactMemo(memo)
	if got, err := m.of(digest, file); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	m.save()
	if got, err := newFactMemo(memo).of(digest, "/does/not/exist"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("remembered: %+v, %v", got, err)
	}
	if got, err := newFactMemo(memo).of(hashOf(nil), file); err != nil || !got.Unclear {
		t.Errorf("a file that is not what was digested: %+v, %v", got, err)
	}
	for _, bad := range []string{"", "{", "null", "[]", `{"version":1}`, `{"version":99,"files":{"` + digest + `":{}}}`} {
		if err := os.WriteFile(memo, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := newFactMemo(memo).of(digest, file); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("memo %s: %+v, %v", bad, got, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "memo", "facts-*")); len(left) > 0 {
		t.Errorf("temporary files stay: %v", left)
	}
}

func TestModulePath(t *testing.T) {
	t.Parallel()
	for mod, want := range map[string]string{
		"module a/b\n": "a/b", "// module x\n\nmodule a/b // why\ngo 1.26\n": "a/b", "module \"a/b\"": "a/b", "\tmodule   a/b\r\n": "a/b", "go 1.26": "", "": "", "modulea/b": "",
	} {
		if got := modulePath([]byte(mod)); got != want {
			t.Errorf("%q is module %q, want %q", mod, got, want)
		}
	}
}

func TestOneModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, path := range map[string]string{"a": "x/a", "copy": "x/a", "b": "x/b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "go.mod"), []byte("module "+path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(names string) []string { return directories([]byte("go 1.26\nuse (\n"+names+"\n)"), dir) }
	if got, ok := oneModule(at("./a\n./b\n./a\n// ./copy"), "x/a"); !ok || filepath.Base(got) != "a" {
		t.Errorf("%s, %v", got, ok)
	}
	if got, ok := oneModule(at("./a\n./b\n./copy"), "x/a"); ok {
		t.Errorf("two directories hold the module, and %s is chosen", got)
	}
	if got, ok := oneModule(at("./b"), "x/a"); ok {
		t.Errorf("found in %s", got)
	}
}

func TestPlainGoRun(t *testing.T) {
	t.Setenv("GOENV", "off")
	for flags, plain := range map[string]bool{"": true, "-mod=mod -tags=x": true, "-overlay=x.json": false, "-v -toolexec=x": false} {
		t.Setenv("GOFLAGS", flags)
		if got := (goRun{args: []string{"run", "."}}).plain(); got != plain {
			t.Errorf("GOFLAGS=%s: plain %v", flags, got)
		}
	}
	t.Setenv("GOFLAGS", "")
	for args, plain := range map[string]bool{
		"run -race . -name x": true, "run -exec env .": false, "run --overlay x .": false, "run -pgo=off .": false, "-C x run -modfile=alt.mod .": false,
	} {
		if got := (goRun{args: strings.Fields(args)}).plain(); got != plain {
			t.Errorf("go %s: plain %v", args, got)
		}
	}
	env := filepath.Join(t.TempDir(), "env")
	t.Setenv("GOENV", env)
	for content, plain := range map[string]bool{"GOPROXY=off\n": true, "GOFLAGS=-exec=x\n": false, "GOWORK=/x/go.work\n": false} {
		if err := os.WriteFile(env, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := (goRun{args: []string{"run", "."}}).plain(); got != plain {
			t.Errorf("go env -w %s: plain %v", content, got)
		}
	}
}

// fileInfo is a file with a time, as file systems with coarse clocks give it.
type fileInfo struct {
	fs.FileInfo
	at time.Time
}

func (f fileInfo) ModTime() time.Time { return f.at }
func (f fileInfo) Sys() any           { return nil }
func (f fileInfo) Size() int64        { return 0 }

func TestSettled(t *testing.T) {
	t.Parallel()
	r := reader{started: time.Date(2026, 1, 1, 12, 0, 0, 5e8, time.UTC)}
	for at, want := range map[time.Duration]bool{
		-time.Hour: true, -time.Millisecond: true, 0: false, time.Nanosecond: false, time.Hour: false, grace: false,
		-500 * time.Millisecond:  false, // 12:00:00, and up to a second later
		-1500 * time.Millisecond: true,
	} {
		r.close = false
		if got := r.settled(fileInfo{at: r.started.Add(at)}) && !r.close; got != want {
			t.Errorf("a file that changed %v after the start is settled: %v", at, got)
		}
	}
}

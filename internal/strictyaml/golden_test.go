package strictyaml_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Errorf("%s (run with -update to accept): %s", path, diff)
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/decode/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			before, after := testConfig(), testConfig()
			err = decode(data, name+".yaml", &after)
			if err == nil {
				t.Fatal("no error")
			}
			if !sameConfig(before, after) {
				t.Errorf("a failed decode changed the value:\n%+v\n%+v", before, after)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

func TestSetErrors(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, arg := range []string{
		"", "=", "nme=x", "zzz=1", "retry.atempts=1", "retry.zzz=1", "retry=3", "retry={atempts: 1}", "name.first=x", "hosts.0=x", "rest.x.y=1",
		"deep=yes", "deep=", "deep=1", "seed=-1", "seed=65536", "seed=1.5", "seed=010", "seed=", "seed=+-1", "seed=0x10000",
		"retry.attempts=300", "retry.attempts=-129", "retry.attempts=1e2", "lr=abc", "lr=nan", "lr=Infinity", "lr=1e999", "lr=1e-999", "lr=", "lr=1,5", "test_share=1e39",
		"wait=90", "wait=", "wait=5 minutes", "when=2026-01-31", "when=now", "raw=?", "size=x",
		"hosts=a,b", "hosts=[a", "hosts=", "hosts=[1]", "pair=[1]", "pair=[1, x]", "weights=1", "weights={a: b}", "weights={a: 1, a: 2}",
		"weights.a=b", "by_id.one={attempts: 1}", "by_id.1={atempts: 1}", "by_id.1=7", "limit=1.0", "limit=" + strings.Repeat("9", 100),
		"extra=[", "extra=*x", "rest=&x 1",
	} {
		name, value, _ := strings.Cut(arg, "=")
		before, after := testConfig(), testConfig()
		err := strictyaml.Set(&after, name, value)
		if !sameConfig(before, after) {
			t.Errorf("%s: a failed Set changed the value", arg)
		}
		if err == nil {
			b.WriteString(arg + "\n\tno error\n")
			continue
		}
		b.WriteString(arg + "\n\t" + strings.ReplaceAll(err.Error(), "\n", "\n\t") + "\n")
	}
	golden(t, "testdata/set.txt", b.String())
}

func TestTooBig(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", strictyaml.MaxSize+1)
	var into any
	const want = "262145 bytes are more than the 262144 that are read"
	if err := decode([]byte(big), "f", &into); err == nil || err.Error() != "f: "+want {
		t.Errorf("got %v", err)
	}
	c := testConfig()
	if err := strictyaml.Set(&c, "name", big); err == nil || err.Error() != "name: "+want {
		t.Errorf("got %v", err)
	}
}

// What holds nothing changes nothing.
func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# a comment\n", "---\n", "\ufeff", "---\n...\n", "null", "~"} {
		got := testConfig()
		if err := decode([]byte(text), "f", &got); err != nil || !sameConfig(got, testConfig()) {
			t.Errorf("%q: %v, %+v", text, err, got)
		}
	}
}

func TestLineEndings(t *testing.T) {
	t.Parallel()
	got := testConfig()
	err := decode([]byte("\ufeffname: \"a\"\r\nretry:\r\n  attempts: 7\r\nhosts:\r\n- b\r\n"), "f", &got)
	if err != nil || got.Name != "a" || got.Retry.Attempts != 7 || got.Hosts[0] != "b" {
		t.Errorf("%v: %+v", err, got)
	}
}

package artifact

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSafeName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for in, want := range map[string]string{
		"data.csv":        "data.csv",
		"a b-c_d(1).CSV":  "a b-c_d(1).CSV",
		".hidden":         ".hidden",
		"Übersicht.txt":   "Übersicht.txt",
		"":                "file",
		".":               "file",
		"..":              "file",
		"...":             "file",
		"../x":            "x",
		"/etc/passwd":     "passwd",
		`C:\Temp\x.txt`:   "x.txt",
		"dir/":            "file",
		"a\x00b":          "a_b",
		"a\nb":            "a_b",
		"12:30?.csv":      "12_30_.csv",
		"x. .":            "x",
		"\u202egnp.exe":   "_gnp.exe",
		"\xff":            "_",
		"con":             "_con",
		"NUL.tar.gz":      "_NUL.tar.gz",
		"com1 .txt":       "_com1 .txt",
		"LPT¹":            "_LPT¹",
		"com10":           "com10",
		"console":         "console",
		long + ".parquet": long[:192] + ".parquet",
		long + "." + long: long[:200],
		"." + long:        "." + long[:199],
	} {
		if got := safeName(in); got != want {
			t.Errorf("safeName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSafeNameProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringMatching(`[./\\ :a-z]*(con|COM1)?[. ]*`), rapid.StringN(150, 400, -1)).Draw(t, "name")
		got := safeName(in)
		if got == "" || len(got) > maxName || !utf8.ValidString(got) || !filepath.IsLocal(got) || got == "." || strings.ContainsAny(got, "/\\\x00:") {
			t.Fatalf("safeName(%q) = %q", in, got)
		}
		if again := safeName(got); again != got {
			t.Fatalf("safeName(%q) = %q, and of that %q", in, got, again)
		}
	})
}

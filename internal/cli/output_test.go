package cli

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, "<1ms"},
		{999 * time.Microsecond, "<1ms"},
		{12*time.Millisecond + 400*time.Microsecond, "12ms"},
		{999 * time.Millisecond, "999ms"},
		{999600 * time.Microsecond, "1.0s"},
		{1234 * time.Millisecond, "1.2s"},
		{9949 * time.Millisecond, "9.9s"},
		{9951 * time.Millisecond, "10s"},
		{59400 * time.Millisecond, "59s"},
		{59600 * time.Millisecond, "1m00s"},
		{184 * time.Second, "3m04s"},
		{62 * time.Minute, "1h02m"},
		{47*time.Hour + 59*time.Minute, "47h59m"},
		{50 * time.Hour, "2d02h"},
		{-time.Second, ""},
	} {
		if got := duration(test.d); got != test.want {
			t.Errorf("duration(%v) = %q, want %q", test.d, got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 100 << 10: "100 KiB", 1<<20 - 1: "1.0 MiB",
		3 << 30: "3.0 GiB", math.MaxInt64: "8.0 EiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := epoch()
	for d, want := range map[time.Duration]string{
		time.Second: "just now", -time.Second: "just now", 30 * time.Second: "30s ago", 90 * time.Second: "1m ago", 3 * time.Hour: "3h ago",
		47 * time.Hour: "47h ago", 49 * time.Hour: "2d ago",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, now); got != "" {
		t.Errorf("ago of no time = %q", got)
	}
}

func TestShortIDs(t *testing.T) {
	t.Parallel()
	a, b, c := "01a212df-4dfa-7709-86c3-8f1bfde6c5eb", "01a212df-4dfa-770a-86c3-8f1bfde6c5eb", "01a212df-4dfb-770a-86c3-8f1bfde6c5eb"
	for _, test := range []struct{ ids, want []string }{
		{nil, []string{}},
		{[]string{a}, []string{"01a212df-4dfa"}},
		{[]string{a, c}, []string{"01a212df-4dfa", "01a212df-4dfb"}},
		{[]string{a, b, c}, []string{"01a212df-4dfa-7709", "01a212df-4dfa-770a", "01a212df-4dfb-770a"}},
		{[]string{a, a, "short"}, []string{a, a, "short"}},
	} {
		if diff := cmp.Diff(test.want, shortIDs(test.ids)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.ids, diff)
		}
	}
}

func environ(vars ...string) func(string) string {
	m := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		m[name] = value
	}
	return func(name string) string { return m[name] }
}

func TestWantsColor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		terminal bool
		env      []string
		want     bool
	}{
		{true, nil, true},
		{false, nil, false},
		{true, []string{"NO_COLOR=1"}, false},
		{true, []string{"NO_COLOR="}, true},
		{true, []string{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, false},
		{true, []string{"TERM=dumb"}, false},
		{true, []string{"CLICOLOR=0"}, false},
		{false, []string{"CLICOLOR_FORCE=1"}, true},
		{false, []string{"CLICOLOR_FORCE=0"}, false},
		{false, []string{"FORCE_COLOR=1"}, true},
		{false, []string{"FORCE_COLOR=3", "TERM=dumb"}, true},
		{true, []string{"FORCE_COLOR=0"}, false},
	} {
		if got := wantsColor(test.terminal, environ(test.env...)); got != test.want {
			t.Errorf("terminal %v, %v: got %v", test.terminal, test.env, got)
		}
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	g := grid{indent: "  ", columns: []column{{title: "NAME", flex: true}, {title: "EMPTY"}, {title: "N", right: true, minor: true}, {title: "TEXT", flex: true, wrap: true}}}
	g.add(text("load"), text(""), text("1"), text("short"))
	g.add(text("データ準備"), text(""), text("1234"), cell{"a longer text that gives way on a narrow screen", red})
	g.add(text("none"), text(""), text(""), text(""))
	for _, test := range []struct{ columns, want string }{
		{"", "" +
			"  NAME           N  TEXT\n" +
			"  load           1  short\n" +
			"  データ準備  1234  a longer text that gives way on a narrow screen\n" +
			"  none\n"},
		{"25", "" +
			"  NAME        TEXT\n" +
			"  load        short\n" +
			"  データ準備  a longer\n" +
			"              text that\n" +
			"              gives way\n" +
			"              on a narrow\n" +
			"              screen\n" +
			"  none\n"},
		{"40", "" +
			"  NAME           N  TEXT\n" +
			"  load           1  short\n" +
			"  データ準備  1234  a longer text that\n" +
			"                    gives way on a\n" +
			"                    narrow screen\n" +
			"  none\n"},
	} {
		var b strings.Builder
		g.write(&b, newScreen(&bytes.Buffer{}, environ("COLUMNS="+test.columns)))
		if diff := cmp.Diff(test.want, b.String()); diff != "" {
			t.Errorf("COLUMNS=%s (-want +got):\n%s", test.columns, diff)
		}
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                     "plain",
		"two\nlines\tand a tab":     "two\nlines and a tab",
		"\x1b[31mred\x1b[0m":        "red",
		"\x1b]0;title\x07after":     "after",
		"back\bspace \r bell\a":     "back·space · bell·",
		"right\u202eto left":        "right·to left",
		"日本 ✓":                      "日本 ✓",
		"\x9b31m a C1 control code": "\ufffd31m a C1 control code",
	} {
		got := plainText(in)
		if strings.ContainsFunc(got, isControl) {
			t.Errorf("plainText(%q) = %q holds a control character", in, got)
		}
		if strings.ToValidUTF8(got, "\ufffd") != want && in[0] != 0x9b {
			t.Errorf("plainText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplitElement(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		step  string
		index int
	}{
		"score": {"score", -1}, "score[3]": {"score", 3}, "a/b[12]": {"a/b", 12}, "score[]": {"score[]", -1}, "score[x]": {"score[x]", -1},
		"[3]": {"[3]", -1}, "score[-1]": {"score[-1]", -1}, "score[9999999999]": {"score[9999999999]", -1},
	} {
		step, index := splitElement(in)
		got := -1
		if index != nil {
			got = *index
		}
		if step != want.step || got != want.index {
			t.Errorf("splitElement(%q) = %q, %d, want %q, %d", in, step, got, want.step, want.index)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	const stack = "main.Train\n\t/home/a/train.go:12\nmain.fit\n\t/home/a/fit.go:3"
	for in, want := range map[string][2]string{
		"":                      {"", ""},
		"no":                    {"no", "no"},
		"one\ntwo":              {"one two", "one\ntwo"},
		"panic: no\n" + stack:   {"panic: no", "panic: no\nmain.Train\n    /home/a/train.go:12\nmain.fit\n    /home/a/fit.go:3"},
		"a\nb\n" + stack:        {"a b", "a\nb\nmain.Train\n    /home/a/train.go:12\nmain.fit\n    /home/a/fit.go:3"},
		"\n\tonly a position:1": {"", "only a position:1"},
	} {
		if got := [2]string{briefError(in), errorText(in)}; got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestExamplesNameTheProgram: a command with flavors of its own is not called tenon.
func TestExamplesNameTheProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	app := App{Program: "churnctl", Flavors: testFlavors(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}
	if code := Run(t.Context(), app, []string{"stack", "--help"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	if text := out.String(); strings.Contains(text, "  tenon ") || !strings.Contains(text, "  churnctl stack use production\n") {
		t.Errorf("its help is\n%s", text)
	}
}

package stacktrace_test

import (
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/stacktrace"
)

func TestRecovered(t *testing.T) {
	t.Parallel()
	const pkg = "github.com/tenon-ml/tenon/internal/stacktrace_test."
	for name, c := range map[string]struct {
		panics func()
		first  string
	}{
		"its own":     {broken, pkg + "broken"},
		"the runtime": {outOfRange, pkg + "outOfRange"},
		"signal":      {nilPointer, pkg + "nilPointer"},
		"no value":    {noValue, pkg + "noValue"},
		"again":       {again, pkg + "again.func1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(trace(c.panics), "\n")
			if lines[0] != c.first || !strings.HasPrefix(lines[1], "\t") || !strings.Contains(lines[1], "stacktrace_test.go:") {
				t.Errorf("the innermost frame is %q at %q, want %s", lines[0], lines[1], c.first)
			}
			if text := strings.Join(lines, "\n"); strings.Contains(text, "runtime.") || strings.Contains(text, "stacktrace.Recovered") {
				t.Errorf("it shows more than the panicking code:\n%s", text)
			}
		})
	}
}

func TestRecursion(t *testing.T) {
	t.Parallel()
	if text := trace(func() { deep(100_000) }); len(text) > 64<<10 || !strings.HasSuffix(text, "\n...") {
		t.Errorf("%d bytes, which end in %q", len(text), text[max(0, len(text)-20):])
	}
}

func trace(fn func()) (text string) {
	defer func() {
		if recover() != nil {
			text = stacktrace.Recovered()
		}
	}()
	fn()
	return ""
}

//go:noinline
func broken() { panic("broken") }

//go:noinline
func outOfRange() {
	var none []int
	i := 3
	none[i]++
}

//go:noinline
func nilPointer() {
	var p *struct{ n int }
	p.n++
}

//go:noinline
func noValue() { artifact.Ref[int]{}.Value() }

//go:noinline
func again() {
	defer func() { panic(recover()) }()
	broken()
}

//go:noinline
func deep(n int) {
	if n == 0 {
		panic("deep")
	}
	deep(n - 1)
}

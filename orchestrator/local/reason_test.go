package local_test

import (
	"strings"
	"testing"
)

// Each way to end really happens, in another process, and is told in words.
func TestReason(t *testing.T) {
	t.Parallel()
	for act, want := range map[string]string{
		"end":                 "",
		"exit":                "exit status 3: os.Exit(3) was called: last words",
		"exit in silence":     "exit status 3: os.Exit(3) was called",
		"log.Fatal":           "exit status 1: os.Exit(1) was called, or log.Fatal: ... no database",
		"panic":               "panic: boom, at acts_test.go:...",
		"panic with an error": "panic: read: file does not exist, at acts_test.go:...",
		"panic again":         "panic: boom [recovered], at acts_test.go:...",
		"nil pointer":         "panic: runtime error: invalid memory address or nil pointer dereference [signal SIGSEGV: segmentation violation], at acts_test.go:...",
		"map writes":          "fatal error: concurrent map writes, at acts_test.go:...",
		"map writes of many":  "fatal error: concurrent map writes, at acts_test.go:...",
		"stack overflow":      "fatal error: stack overflow...",
	} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			exit, printed := run(t, program(act))
			begin, end, open := strings.Cut(want, "...")
			if !strings.HasPrefix(exit.Reason, begin) || !strings.HasSuffix(exit.Reason, end) || !open && exit.Reason != want {
				t.Errorf("the reason is %q, want %q; it printed\n%.2000s", exit.Reason, want, printed)
			}
		})
	}
}

// With GOTRACEBACK=crash the runtime ends the process with SIGABRT.
func TestReasonOfCrash(t *testing.T) {
	t.Parallel()
	p := program("panic")
	p.Env = append(p.Env, "GOTRACEBACK=crash")
	if exit, printed := run(t, p); !strings.HasPrefix(exit.Reason, "panic: boom, at acts_test.go:") {
		t.Errorf("the reason is %q; it printed\n%.2000s", exit.Reason, printed)
	}
}

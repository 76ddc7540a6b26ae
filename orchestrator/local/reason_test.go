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
		"panic":               "panic: boom",
		"panic with an error": "panic: read: file does not exist",
		"panic again":         "panic: boom [recovered]",
		"nil pointer":         "panic: runtime error: invalid memory address or nil pointer dereference [signal SIGSEGV: segmentation violation]",
		"map writes":          "fatal error: concurrent map writes",
		"map writes of many":  "fatal error: concurrent map writes",
		"stack overflow":      "fatal error: stack overflow",
	} {
		t.Run(act, func(t *testing.T) {
			t.Parallel()
			exit, printed := run(t, program(act))
			if begin, end, _ := strings.Cut(want, "..."); !strings.HasPrefix(exit.Reason, begin) || !strings.HasSuffix(exit.Reason, end) || want == "" && exit.Reason != "" {
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
	if exit, printed := run(t, p); exit.Reason != "panic: boom" {
		t.Errorf("the reason is %q; it printed\n%.2000s", exit.Reason, printed)
	}
}

package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/step"
)

// The files hold what programs really printed; those of long reports, the beginning.
func TestReasonOfPrinted(t *testing.T) {
	t.Parallel()
	const memory step.Bytes = 64 << 20
	for _, c := range []struct {
		file, want string
		ending     ending
	}{
		{"deadlock", "fatal error: all goroutines are asleep - deadlock!, at main.go:3", ending{code: 2}},
		{"unlock", "fatal error: sync: unlock of unlocked mutex, at main.go:15", ending{code: 2}},
		{"cgo", "killed: signal segmentation violation", ending{code: 2}},
		{"cabort", "killed: signal abort", ending{code: 2}},
		{"sigbus", "fatal error: fault [signal SIGBUS: bus error], at main.go:24", ending{code: 2}},
		{"index", "panic: runtime error: index out of range [5] with length 1, at main.go:25", ending{code: 2}},
		{"repanic", "panic: boom [recovered, repanicked], at main.go:26", ending{code: 2}},
		{"quit", "killed: signal quit", ending{code: 2}},
		{"arena", "out of memory: the step may use 64MiB", ending{code: 2, memory: memory}},
		{"grow", "out of memory", ending{code: 2}},
		{"threads", "out of memory: the step may use 64MiB", ending{code: 2, memory: memory}},
		{"threads", "runtime/cgo: pthread_create failed: Resource temporarily unavailable", ending{code: 2}},
		{"noproc", "runtime: failed to create new OS thread (have 22 already; errno=11)", ending{code: 2}},
		{"badalloc", "out of memory: the step may use 64MiB", ending{code: -1, signal: sigabrt, memory: memory}},
		{"badalloc-cgo", "out of memory", ending{code: 2}},
		// The same words before another end tell nothing.
		{"index", "exit status 1: os.Exit(1) was called, or log.Fatal: /src/program/main.go:25 +0x551", ending{code: 1}},
		{"arena", "killed: signal terminated: ", ending{code: -1, signal: "terminated"}},
		{"arena", "", ending{code: 0}},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "endings", c.file+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{len(text), 1, 7} { // however it arrives
			e := c.ending
			e.words = &lastWords{}
			for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
				e.words.write(rest[:min(size, len(rest))])
			}
			e.words.end()
			if got := e.reason(); got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got, c.want)) {
				t.Errorf("%s, %+v: the reason is %q, want %q", c.file, c.ending, got, c.want)
			}
		}
	}
}

func TestReasonWithoutWords(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]ending{
		"killed: signal killed, which was not sent by Tenon":                                        {code: -1, signal: "killed", sigkill: true},
		"out of memory: the kernel killed the process, as the machine or its container had no more": {code: -1, signal: "killed", sigkill: true, oomKilled: true},
		"exit status 0xc0000005":               {code: 0xc0000005},
		"exit status 2: os.Exit(2) was called": {code: 2},
	} {
		e.words = &lastWords{}
		if got := e.reason(); got != want {
			t.Errorf("%+v: the reason is %q, want %q", e, got, want)
		}
	}
}

// Whatever is printed, little of it is kept, and a terminal can show the reason.
func FuzzReason(f *testing.F) {
	f.Add([]byte("panic: boom\n\ngoroutine 1 [running]:\n"), 2)
	f.Add([]byte("panic: \x1b[31m\xff\n[signal SIG\n"), 2)
	f.Add([]byte("runtime: x\nSIGABRT: \nfatal error: \n"), -1)
	f.Fuzz(func(t *testing.T, text []byte, code int) {
		e := ending{code: code, words: &lastWords{}}
		if code < 0 {
			e.signal = sigabrt
		}
		for range 3 {
			e.words.write(text)
		}
		e.words.end()
		for _, text := range []string{e.reason(), e.said()} {
			if strings.ContainsAny(text, "\x1b\r\x00") || len(text) > 8*wordsLine {
				t.Errorf("%q", text)
			}
		}
	})
}

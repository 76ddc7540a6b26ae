package main

import (
	"strings"
	"testing"
	"time"
)

func TestWorks(t *testing.T) {
	t.Parallel()
	for _, work := range []string{"chain", "wide", "rerun", "replay", "resume"} {
		for name, native := range map[string]bool{"its own driver": false, "native driver": true} {
			t.Run(work+" with "+name, func(t *testing.T) {
				t.Parallel()
				s, err := measure(t.Context(), work, 100, options{dir: t.TempDir(), native: native})
				if native && err != nil && strings.Contains(err.Error(), "requires cgo") {
					t.Skip("the native driver needs cgo")
				}
				if err != nil {
					t.Fatal(err)
				}
				if s.Began == 0 || s.Ended <= s.Began {
					t.Errorf("it began at %d and ended at %d", s.Began, s.Ended)
				}
			})
		}
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	began, dir := time.Now().UnixNano(), t.TempDir()
	for range 2 {
		s, err := measure(t.Context(), "start", 1, options{dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if s.Ended <= began {
			t.Errorf("the step ran at %d, before %d", s.Ended, began)
		}
		began = s.Ended
	}
}

func TestUnknownWork(t *testing.T) {
	t.Parallel()
	if _, err := measure(t.Context(), "sleep", 1, options{dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), `"sleep"`) {
		t.Errorf("error %v does not name the work", err)
	}
}

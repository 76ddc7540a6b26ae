package engine_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// inBubble calls body in a bubble with simulated time, and tells rapid afterwards what it reported, so that rapid finds the smallest graph.
// What body needs of rapid is drawn before.
func inBubble(t *testing.T, rt *rapid.T, body func(tb testing.TB)) {
	for _, failure := range simulated(t, body) {
		rt.Error(failure)
	}
}

// simulated calls body in a bubble with simulated time, and returns what it reported.
func simulated(t *testing.T, body func(tb testing.TB)) []string {
	said := &reports{}
	synctest.Test(t, func(t *testing.T) {
		said.TB = t
		ended := make(chan none)
		go func() { // which Fatal ends
			defer close(ended)
			body(said)
		}()
		<-ended
	})
	return said.failures
}

// reports keeps what a test reports.
type reports struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *reports) Helper() {}

func (r *reports) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprint(args...))
}

func (r *reports) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *reports) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *reports) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

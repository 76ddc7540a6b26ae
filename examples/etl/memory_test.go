package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// TestBoundedMemory runs the pipeline on three million flights. Not parallel: it looks at the memory of the whole process.
func TestBoundedMemory(t *testing.T) { //nolint:paralleltest // see above
	params := ETL.Params()
	params.Flights = []artifact.Source{artifact.From(allFlights(t))}
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is allocated during a collection counts as live: keep it short
	heap := watchHeap()
	out := pipelinetest.Run(t, ETL, params)
	peak, collections := heap.stop()
	var flights int64
	for _, d := range out.Delays.Value() {
		flights += d.Flights
	}
	if flights != 2_999_997 { // three arrived before they had left
		t.Errorf("%d flights, want 2999997", flights)
	}
	// All at once they would take 150 MB, at 48 bytes and three letters each.
	const bound = 64 << 20
	t.Logf("at most %d MiB of heap were live, at %d garbage collections", peak>>20, collections)
	if peak > bound || collections < 50 {
		t.Errorf("at most %d MiB of heap were live at %d garbage collections, want at most %d MiB, at 50 or more", peak>>20, collections, bound>>20)
	}
}

// heapWatch knows how much of the heap was live at each garbage collection.
type heapWatch struct {
	peak        atomic.Uint64
	collections atomic.Int64
	stopped     atomic.Bool
}

func watchHeap() *heapWatch {
	w := &heapWatch{}
	w.arm()
	return w
}

// arm makes garbage: its cleanup runs after the next collection.
func (w *heapWatch) arm() {
	runtime.AddCleanup(&struct{ self *heapWatch }{w}, (*heapWatch).collected, w)
}

func (w *heapWatch) collected() {
	if w.stopped.Load() {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	w.peak.Store(max(w.peak.Load(), live[0].Value.Uint64()))
	w.collections.Add(1)
	w.arm()
}

// stop returns the most bytes that were live, and the number of collections that were looked at.
func (w *heapWatch) stop() (peak uint64, collections int64) {
	w.stopped.Store(true)
	return w.peak.Load(), w.collections.Load()
}

package gc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
)

// fill writes contents into the store without flushing them to the disk, and records them if they are to be kept.
func (h *home) fill(contents int, keep bool) {
	h.t.Helper()
	run := h.run()
	b := metadata.Batch{}
	for i := range contents {
		content := fmt.Sprint("content ", i)
		path := h.file(digestOf(content))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o444); err != nil {
			h.t.Fatal(err)
		}
		if !keep {
			continue
		}
		b.Steps = append(b.Steps, output(run, content, content, metadata.StepSucceeded).Steps...)
		if len(b.Steps) == 1000 {
			h.apply(b)
			b.Steps = nil
		}
	}
	h.apply(b)
	h.end(run)
}

// BenchmarkCollect collects ten thousand small contents, all of them garbage, or none.
func BenchmarkCollect(b *testing.B) {
	const contents = 10_000
	for name, keep := range map[string]bool{"garbage": false, "kept": true} {
		b.Run(name, func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				h := newHome(b)
				h.fill(contents, keep)
				b.StartTimer()
				start := time.Now()
				r, err := gc.Collect(b.Context(), h.config())
				took += time.Since(start)
				if err != nil || keep && r.Kept.Contents != contents || !keep && r.Deleted.Contents != contents {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N)/contents, "µs/content")
			b.ReportMetric(0, "ns/op")
		})
	}
}

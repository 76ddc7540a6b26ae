package logs

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A store that hangs costs a step one timeout, not one for each chunk.
func TestStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failing{}
		w := NewWriter(store, nil)
		log := slog.New(w.Handler())
		began := time.Now()
		for i := range 500 {
			log.Info(noise(i, 1000))
		}
		lines := readAll(t, nil, w.Close())
		if took := time.Since(began); took != putTimeout || store.puts != 1 {
			t.Errorf("the step waited %v for %d chunks", took, store.puts)
		}
		if len(lines) != 1 || !strings.HasPrefix(lines[0].Message, "log lines were dropped lines=500 ") {
			t.Errorf("lines %.200q", messages(lines))
		}
	})
}

package logs

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	chunkSize  = 1 << 20  // bytes of lines before a chunk is closed: storing one flushes it to the disk
	lineLimit  = 64 << 10 // bytes of one line; longer ones are cut
	totalLimit = 64 << 20 // bytes of one attempt's log; what comes later is counted and dropped
	putTimeout = 30 * time.Second
)

// everything is below every level.
var everything = &slog.HandlerOptions{Level: slog.Level(math.MinInt32)}

// Writer collects the lines of one attempt. It is safe for concurrent use; what is written after Close is ignored.
type Writer struct {
	store artifact.Store
	live  func(Line)

	mu      sync.Mutex
	buf     bytes.Buffer
	lines   int // in buf
	chunks  []metadata.LogChunk
	total   int // bytes
	dropped int // lines
	full    bool
	lost    error // why a chunk could not be stored
	closed  bool
}

// NewWriter returns a writer that puts large chunks into store. Live, if not nil, is told of every line that is kept.
func NewWriter(store artifact.Store, live func(Line)) *Writer {
	return &Writer{store: store, live: live}
}

// Handler returns the slog handler that writes to w, at every level.
func (w *Writer) Handler() slog.Handler { return slog.NewJSONHandler(w, everything) }

// Write takes one record as slog.JSONHandler writes it. It never fails, so that a step cannot fail by logging.
func (w *Writer) Write(record []byte) (int, error) {
	n := len(record)
	line := bytes.TrimRight(record, "\n")
	if len(line) > lineLimit {
		line = cut(line)
	}
	if w.add(line) && w.live != nil {
		if parsed, err := Parse(bytes.Clone(line)); err == nil {
			w.live(parsed)
		}
	}
	return n, nil
}

// add reports whether the line was kept.
func (w *Writer) add(line []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.full = w.full || w.total+len(line) >= totalLimit
	if w.full {
		w.dropped++
		return false
	}
	w.append(line)
	if w.buf.Len() >= chunkSize {
		w.flush()
	}
	return true
}

func (w *Writer) append(line []byte) {
	w.buf.Write(line)
	w.buf.WriteByte('\n')
	w.lines++
	w.total += len(line) + 1
}

// flush closes the chunk in buf. A few small chunks stay in the record, and the last ones.
func (w *Writer) flush() {
	if w.lines == 0 {
		return
	}
	chunk := metadata.LogChunk{Lines: w.lines, Size: int64(w.buf.Len())}
	packed := compress(w.buf.Bytes())
	w.buf.Reset()
	w.lines = 0
	if len(packed) <= artifact.InlineLimit {
		chunk.Inline = packed
		w.chunks = append(w.chunks, chunk)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), putTimeout)
	defer cancel()
	info, err := w.store.Put(ctx, bytes.NewReader(packed))
	if err != nil {
		w.lost = err
		w.dropped += chunk.Lines
		w.full = w.full || ctx.Err() != nil // a store that hangs would hold up the step at each chunk
		return
	}
	chunk.Digest = info.Digest
	w.chunks = append(w.chunks, chunk)
}

// Close closes the log and returns its chunks, in order. If anything was dropped the last line says so.
func (w *Writer) Close() []metadata.LogChunk {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.chunks
	}
	w.closed = true
	w.flush()
	if w.dropped > 0 {
		w.append(w.note())
		w.flush()
	}
	return w.chunks
}

// note says what was dropped. It is small enough for the record, so that no store can lose it.
func (w *Writer) note() []byte {
	why := fmt.Sprintf("the log of an attempt is limited to %d MiB", totalLimit>>20)
	if w.lost != nil {
		why = fmt.Sprintf("a part of it could not be stored: %.1000s", w.lost.Error())
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped", 0)
	r.AddAttrs(slog.Int("lines", w.dropped), slog.String("why", why))
	return encoded(r)
}

// cut replaces a line that is too long by its beginning.
func cut(line []byte) []byte {
	parsed, err := Parse(line)
	if err != nil {
		parsed = Line{Level: slog.LevelWarn, Message: "a log line was left out: " + err.Error()}
	}
	const limit = lineLimit / 8 // a byte may take six in JSON
	text := bytes.ToValidUTF8([]byte(parsed.Message[:min(len(parsed.Message), limit)]), nil)
	r := slog.NewRecord(parsed.Time, parsed.Level, string(text)+"...", 0)
	r.AddAttrs(slog.Int("cut_bytes", len(line)))
	return encoded(r)
}

func encoded(r slog.Record) []byte {
	var b bytes.Buffer
	_ = slog.NewJSONHandler(&b, everything).Handle(context.Background(), r) // a buffer never fails
	return bytes.TrimRight(b.Bytes(), "\n")
}

// compress uses encoders without goroutines and channels, which would tie it to the goroutine that made them in tests with synctest.
func compress(data []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	var b bytes.Buffer
	e.ResetContentSize(&b, int64(len(data)))
	_, _ = e.Write(data) // a buffer never fails
	_ = e.Close()
	return b.Bytes()
}

var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(chunkSize), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
}}

package logs

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	chunkSize  = 64 << 10 // bytes of lines before a chunk is closed
	lineLimit  = 64 << 10 // bytes of one line; longer ones are cut
	totalLimit = 64 << 20 // bytes of one attempt's log; the rest is counted and dropped
)

// Writer collects the lines of one attempt. It is safe for concurrent use; what is written after Close is ignored.
type Writer struct {
	store artifact.Store
	live  func(Line)

	mu      sync.Mutex
	buf     bytes.Buffer
	lines   int // in buf
	chunks  []metadata.LogChunk
	total   int
	dropped int
	lost    error // a chunk that could not be stored
	closed  bool
}

// NewWriter returns a writer that puts large chunks into store. Live, if not nil, is told of every line.
func NewWriter(store artifact.Store, live func(Line)) *Writer {
	return &Writer{store: store, live: live}
}

// Handler returns the slog handler that writes to w, at every level.
func (w *Writer) Handler() slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug - 4})
}

// Write takes one record as slog.JSONHandler writes it. It never fails, so that a step cannot fail by logging.
func (w *Writer) Write(record []byte) (int, error) {
	n := len(record)
	line := bytes.TrimRight(record, "\n")
	if len(line) > lineLimit {
		line = cut(line)
	}
	w.mu.Lock()
	kept := w.add(line)
	live := w.live
	w.mu.Unlock()
	if kept && live != nil {
		if parsed, err := Parse(bytes.Clone(line)); err == nil {
			live(parsed)
		}
	}
	return n, nil
}

func (w *Writer) add(line []byte) bool {
	if w.closed {
		return false
	}
	if w.total+len(line) > totalLimit {
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

// cut replaces a line that is too long by its beginning.
func cut(line []byte) []byte {
	parsed, err := Parse(line)
	if err != nil {
		return []byte(`{"level":"WARN","msg":"a log line was left out: it is not valid JSON"}`)
	}
	var b bytes.Buffer
	r := slog.NewRecord(parsed.Time, parsed.Level, string(bytes.ToValidUTF8([]byte(parsed.Message[:min(len(parsed.Message), lineLimit/8)]), nil))+"...", 0)
	r.AddAttrs(slog.Int("cut_bytes", len(line)))
	_ = slog.NewJSONHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug - 4}).Handle(context.Background(), r) // a buffer never fails
	return bytes.TrimRight(b.Bytes(), "\n")
}

// flush closes the chunk in buf. Small chunks stay in the record.
func (w *Writer) flush() {
	if w.lines == 0 {
		return
	}
	chunk := metadata.LogChunk{Lines: w.lines, Size: int64(w.buf.Len())}
	packed := encoder().EncodeAll(w.buf.Bytes(), nil)
	w.buf.Reset()
	w.lines = 0
	if len(packed) <= artifact.InlineLimit && len(w.chunks) < 4 {
		chunk.Inline = packed
		w.chunks = append(w.chunks, chunk)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	info, err := w.store.Put(ctx, bytes.NewReader(packed))
	if err != nil {
		w.lost = err
		w.dropped += chunk.Lines
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
	if w.dropped > 0 {
		why := fmt.Sprintf("the log of an attempt is limited to %d MiB", totalLimit>>20)
		if w.lost != nil {
			why = "a part of it could not be stored: " + w.lost.Error()
		}
		w.append(fmt.Appendf(nil, `{"time":%q,"level":"WARN","msg":"log lines were dropped","lines":%d,"why":%q}`, time.Now().Format(time.RFC3339Nano), w.dropped, why))
	}
	w.flush()
	return w.chunks
}

// encoder is made when the first chunk is closed, and shared: EncodeAll is safe for concurrent use.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(chunkSize), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

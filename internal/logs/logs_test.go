package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t *testing.T) (artifact.Store, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, dir
}

func readAll(t *testing.T, store artifact.Store, chunks []metadata.LogChunk) []Line {
	t.Helper()
	var lines []Line
	for line, err := range Read(t.Context(), store, chunks) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func messages(lines []Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.Message
	}
	return out
}

// noise is text that does not compress.
func noise(seed, n int) string {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[r.IntN(64)]
	}
	return string(b)
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	store, dir := openStore(t)
	var live []Line
	w := NewWriter(store, func(l Line) { live = append(live, l) })
	log := slog.New(w.Handler())
	log.Debug("fitting", "rows", 3)
	log.With("fold", 2).WithGroup("fit").Info("done", "loss", 0.5, "name", "a b", "err", errors.New("none"), "took", time.Second)
	log.Log(t.Context(), slog.LevelDebug-100, "very low")
	log.Error("multi\nline \"quoted\"")
	log.Warn("odd", "NaN", math.NaN(), "a b", "\x1b[31m", "empty", "", "nil", nil)
	chunks := w.Close()

	want := []string{
		"fitting rows=3",
		`done fold=2 fit={"loss":0.5,"name":"a b","err":"none","took":1000000000}`,
		"very low",
		"multi\nline \"quoted\"",
		`odd NaN="!ERROR:json: unsupported value: NaN" "a b"="\x1b[31m" empty="" nil=null`,
	}
	lines := readAll(t, nil, chunks)
	if d := cmp.Diff(want, messages(lines)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(lines, live); d != "" {
		t.Errorf("what is followed live differs from what is stored:\n%s", d)
	}
	if lines[0].Level != slog.LevelDebug || lines[2].Level != slog.LevelDebug-100 || time.Since(lines[0].Time) > time.Hour {
		t.Errorf("level and time are %v, %v, %v", lines[0].Level, lines[2].Level, lines[0].Time)
	}
	if len(chunks) != 1 || chunks[0].Inline == nil || chunks[0].Lines != len(want) {
		t.Errorf("chunks %+v: a short log belongs into the record", chunks)
	}
	if info, err := store.List(t.Context(), "", 10); err != nil || len(info) != 0 {
		t.Errorf("the store in %s holds %v, %v", dir, info, err)
	}
}

func TestEmptyLogHasNoChunks(t *testing.T) {
	t.Parallel()
	if chunks := NewWriter(nil, nil).Close(); len(chunks) != 0 {
		t.Errorf("chunks %+v", chunks)
	}
}

func TestWritesAfterCloseAreIgnored(t *testing.T) {
	t.Parallel()
	w := NewWriter(nil, func(l Line) {
		if l.Message != "kept" {
			t.Errorf("told of %q", l.Message)
		}
	})
	log := slog.New(w.Handler())
	log.Info("kept")
	first := w.Close()
	log.Info("late")
	if d := cmp.Diff(first, w.Close()); d != "" {
		t.Errorf("the second Close gives something else:\n%s", d)
	}
	if got := messages(readAll(t, nil, first)); len(got) != 1 {
		t.Errorf("lines %q", got)
	}
}

func TestChunks(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	w := NewWriter(store, nil)
	log := slog.New(w.Handler())
	var want []string
	for i := range 5000 { // lines that compress well, then lines that do not
		text := strings.Repeat("x", 50_000)
		if i >= 50 {
			text = noise(i, 400+i%7)
		}
		want = append(want, fmt.Sprint(i, text))
		log.Info(want[i])
	}
	chunks := w.Close()
	if d := cmp.Diff(want, messages(readAll(t, store, chunks))); d != "" {
		t.Error(d)
	}
	inline := 0
	for i, c := range chunks {
		if c.Size > chunkSize+lineLimit || c.Size < chunkSize && i < len(chunks)-1 {
			t.Errorf("chunk %d has %d bytes", i, c.Size)
		}
		if (c.Inline == nil) != (c.Digest != "") || len(c.Inline) > artifact.InlineLimit {
			t.Errorf("chunk %d: %d bytes inline, digest %q", i, len(c.Inline), c.Digest)
		}
		if c.Inline != nil {
			inline++
		}
	}
	if inline == 0 || inline == len(chunks) {
		t.Errorf("%d of %d chunks are inline", inline, len(chunks))
	}
	record, err := json.Marshal(chunks)
	if err != nil {
		t.Fatal(err)
	}
	var again []metadata.LogChunk
	if err := json.Unmarshal(record, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(chunks, again); d != "" {
		t.Errorf("chunks change in a record:\n%s", d)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	w := NewWriter(store, nil)
	log := slog.New(w.Handler())
	limit := strings.Repeat("a", lineLimit)
	log.Warn(limit)
	log.Info("short message", "long", limit)
	log.Info(strings.Repeat("\x01", lineLimit)) // six bytes each in JSON
	log.Info(strings.Repeat("é€", lineLimit))   // cut within a character
	log.Info("next")
	w.Write([]byte(strings.Repeat("not JSON", lineLimit)))
	lines := readAll(t, store, w.Close())
	if len(lines) != 6 || lines[4].Message != "next" {
		t.Fatalf("lines %.100q", messages(lines))
	}
	for i, l := range lines {
		if len(l.JSON) > lineLimit {
			t.Errorf("line %d has %d bytes", i, len(l.JSON))
		}
		if i < 4 && (!strings.Contains(l.Message, "... cut_bytes=") || len(l.Message) < lineLimit/8 || l.Time.IsZero()) {
			t.Errorf("line %d is %.60q...%.60q", i, l.Message, l.Message[max(0, len(l.Message)-60):])
		}
	}
	if lines[0].Level != slog.LevelWarn || !strings.HasPrefix(lines[1].Message, "short message long=aaa") || !strings.HasPrefix(lines[5].Message, "a log line was left out: ") {
		t.Errorf("lines %v %.60q, %.60q, %.60q", lines[0].Level, lines[0].Message, lines[1].Message, lines[5].Message)
	}
}

// 100 MB of output stays in bounded memory, and the log says what is missing. It looks at the heap, and so runs beside no other test.
func TestHugeLog(t *testing.T) {
	store, _ := openStore(t)
	w := NewWriter(store, nil)
	record := []byte(`{"level":"INFO","msg":"` + strings.Repeat("all work and no play ", 2000) + "\"}\n")
	var peak, before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	written := 0
	for written*len(record) < 100<<20 {
		w.Write(record)
		if written++; written%500 == 0 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > peak.HeapAlloc {
				peak = now
			}
		}
	}
	slog.New(w.Handler()).Info("last") // small, but behind what was dropped
	written++
	chunks := w.Close()
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	kept, size := 0, int64(0)
	for _, c := range chunks {
		kept, size = kept+c.Lines, size+c.Size
	}
	end := readAll(t, store, chunks[len(chunks)-1:])
	last := end[len(end)-1]
	want := fmt.Sprintf("log lines were dropped lines=%d why=%q", written-kept+1, "the log of an attempt is limited to 64 MiB")
	if last.Message != want || last.Level != slog.LevelWarn {
		t.Errorf("the last line is %.200q, want %q", last.Message, want)
	}
	if size > totalLimit+1000 || size < totalLimit-2*int64(len(record)) {
		t.Errorf("%d bytes are kept", size)
	}
	if first := readAll(t, store, chunks[:1]); len(first) != chunks[0].Lines || !bytes.Equal(first[0].JSON, bytes.TrimSpace(record)) {
		t.Errorf("the first chunk has %d lines, the first is %.100q", len(first), first[0].JSON)
	}
	if data, err := json.Marshal(chunks); err != nil || len(data) > 512<<10 {
		t.Errorf("the record of the chunks has %d bytes, %v", len(data), err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	var mu sync.Mutex
	live := map[string]bool{}
	w := NewWriter(store, func(l Line) {
		mu.Lock()
		defer mu.Unlock()
		live[l.Message] = true
	})
	const writers, each = 8, 200
	var group sync.WaitGroup
	for i := range writers {
		log := slog.New(w.Handler()) // handlers of their own do not even share slog's lock
		group.Go(func() {
			for j := range each {
				log.Info(fmt.Sprintf("%d/%d %s", i, j, noise(i*each+j, 300)))
			}
		})
	}
	group.Wait()
	next := map[string]int{}
	for _, l := range readAll(t, store, w.Close()) {
		writer, rest, _ := strings.Cut(l.Message, "/")
		if want := fmt.Sprint(next[writer], " "); !strings.HasPrefix(rest, want) {
			t.Fatalf("line %.20q of writer %s, want number %s", rest, writer, want)
		}
		next[writer]++
		if !live[l.Message] {
			t.Fatalf("nobody was told of %.20q", l.Message)
		}
	}
	for i := range writers {
		if next[strconv.Itoa(i)] != each {
			t.Errorf("writer %d: %d lines", i, next[strconv.Itoa(i)])
		}
	}
}

// failing is a store whose Put fails, or hangs until it may not.
type failing struct {
	artifact.Store
	err  error
	puts int
}

func (f *failing) Put(ctx context.Context, _ io.Reader) (artifact.Info, error) {
	f.puts++
	if f.err != nil {
		return artifact.Info{}, f.err
	}
	<-ctx.Done()
	return artifact.Info{}, ctx.Err()
}

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	store := &failing{err: errors.New("disk \"full\"\x1b[2J\nreally " + strings.Repeat("!", 5000))}
	w := NewWriter(store, nil)
	log := slog.New(w.Handler())
	const lines = 6000
	for i := range lines {
		log.Info(noise(i, 1000))
	}
	got := readAll(t, nil, w.Close()) // the end of the log was small enough for the record
	last := got[len(got)-1].Message
	want := fmt.Sprintf("log lines were dropped lines=%d why=", lines-len(got)+1)
	if len(got) > 10 || !strings.HasPrefix(last, want) || !strings.Contains(last, `could not be stored: disk \"full\"\x1b[2J\nreally !!!`) {
		t.Errorf("%d lines, the last is %.100q, want %q", len(got), last, want)
	}
	if store.puts < 5 {
		t.Errorf("gave up after %d chunks: an error may pass", store.puts)
	}
}

func TestCorruptChunks(t *testing.T) {
	t.Parallel()
	store, dir := openStore(t)
	w := NewWriter(store, nil)
	log := slog.New(w.Handler())
	log.Info("first")
	small := w.Close()[0]
	w = NewWriter(store, nil)
	log = slog.New(w.Handler())
	for i := range 300 {
		log.Info(noise(i, 300))
	}
	large := w.Close()[0]
	if small.Inline == nil || large.Inline != nil {
		t.Fatalf("chunks %+v and %+v", small, large)
	}
	plain := func(text string) metadata.LogChunk {
		return metadata.LogChunk{Inline: compress([]byte(text)), Size: int64(len(text)), Lines: strings.Count(text, "\n")}
	}
	flipped := small
	flipped.Inline = bytes.Clone(small.Inline)
	flipped.Inline[len(flipped.Inline)/2] ^= 1
	truncated := small
	truncated.Inline = small.Inline[:len(small.Inline)-3]
	more, fewer, lines := small, small, small
	more.Size++
	fewer.Size--
	lines.Lines++
	gone := metadata.LogChunk{Digest: artifact.Digest("sha256:" + strings.Repeat("0", 64)), Lines: 1, Size: 10}
	for name, c := range map[string]struct {
		chunk metadata.LogChunk
		want  error
	}{
		"flipped":              {flipped, component.ErrCorrupt},
		"truncated":            {truncated, component.ErrCorrupt},
		"empty":                {metadata.LogChunk{Inline: []byte{}, Lines: 1, Size: 10}, component.ErrCorrupt},
		"not compressed":       {metadata.LogChunk{Inline: []byte("{}\n"), Lines: 1, Size: 3}, component.ErrCorrupt},
		"more than it says":    {fewer, component.ErrCorrupt},
		"less than it says":    {more, component.ErrCorrupt},
		"another count":        {lines, component.ErrCorrupt},
		"not JSON":             {plain("hello\n"), component.ErrCorrupt},
		"a line without limit": {plain(strings.Repeat("x", 1<<20) + "\n"), component.ErrCorrupt},
		"a bomb":               {metadata.LogChunk{Inline: plain(strings.Repeat(`{"msg":"x"}`+"\n", 1<<20)).Inline, Lines: 10, Size: 120}, component.ErrCorrupt},
		"gone":                 {gone, component.ErrNotFound},
	} {
		var got []Line
		var failure error
		for line, err := range Read(t.Context(), store, []metadata.LogChunk{small, c.chunk, small}) {
			if failure != nil {
				t.Errorf("%s: goes on after %v", name, failure)
			}
			if failure = err; err == nil {
				got = append(got, line)
			}
		}
		if len(got) == 0 || got[0].Message != "first" || !errors.Is(failure, c.want) || !strings.HasPrefix(failure.Error(), "read chunk 1 of a log: ") {
			t.Errorf("%s: %d lines, error %v", name, len(got), failure)
		}
		if len(got) > 20 {
			t.Errorf("%s: %d lines were read", name, len(got))
		}
	}

	path := filepath.Join(dir, "sha256", string(large.Digest[7:9]), string(large.Digest[9:]))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	os.Chmod(path, 0o600)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var failure error
	for _, failure = range Read(t.Context(), store, []metadata.LogChunk{large}) {
	}
	if !errors.Is(failure, component.ErrCorrupt) {
		t.Errorf("a stored chunk that was changed: %v", failure)
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	w := NewWriter(nil, nil)
	log := slog.New(w.Handler())
	log.Info("one")
	log.Info("two")
	chunks := w.Close()
	for line, err := range Read(t.Context(), nil, append(chunks, chunks...)) {
		if err != nil || line.Message != "one" {
			t.Errorf("%q, %v", line.Message, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	count := 0
	for _, err := range Read(ctx, nil, chunks) {
		if count++; !errors.Is(err, context.Canceled) || !errors.Is(err, component.ErrCanceled) && component.CodeOf(err) != component.Canceled {
			t.Errorf("read with an ended context: %v", err)
		}
	}
	if count != 1 {
		t.Errorf("%d results with an ended context", count)
	}
}

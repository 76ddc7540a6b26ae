package artifacttest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io"
	"runtime"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
)

func streamTests() []test {
	return []test{
		{"PutAndRead", streamPutAndRead},
		{"CancelInTheMiddleOfPut", streamCancelPut},
		{"CancelInTheMiddleOfRead", streamCancelRead},
	}
}

func (s *suite) streamSize() int64 {
	switch {
	case s.StreamSize > 0:
		return s.StreamSize
	case testing.Short():
		return 64 << 20
	}
	return 1 << 30
}

// generator yields bytes that do not repeat, made from nothing, and watches the memory that is in use meanwhile.
type generator struct {
	left   int64
	block  []byte
	rest   []byte // of block, still to be yielded
	number uint64
	hash   hash.Hash
	memory *memory
}

func newGenerator(size int64, m *memory) *generator {
	return &generator{left: size, block: random(0, 1<<20), hash: sha256.New(), memory: m}
}

func (g *generator) Read(p []byte) (int, error) {
	if g.left == 0 {
		return 0, io.EOF
	}
	if len(g.rest) == 0 {
		binary.LittleEndian.PutUint64(g.block, g.number)
		g.number++
		g.rest = g.block[:min(int64(len(g.block)), g.left)]
		g.hash.Write(g.rest)
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	g.left -= int64(n)
	g.memory.add(n)
	return n, nil
}

// memory samples the live heap eight times in a stream. The first sample is the base.
type memory struct {
	every, next, seen int64
	base, peak        uint64
}

func newMemory(stream int64) *memory {
	m := &memory{every: max(1, stream/8)}
	m.sample()
	m.base = m.peak
	return m
}

func (m *memory) add(n int) {
	m.seen += int64(n)
	if m.seen >= m.next {
		m.next += m.every
		m.sample()
	}
}

func (m *memory) sample() {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	m.peak = max(m.peak, stats.HeapAlloc)
}

func (s *suite) checkMemory(what string, m *memory, stream int64) {
	s.Helper()
	if stream < 32<<20 {
		return // too short to tell a buffer from the content
	}
	if grown, limit := int64(m.peak-m.base), max(16<<20, stream/16); grown > limit {
		s.Errorf("%s of %d bytes held %d bytes in memory, want at most %d", what, stream, grown, limit)
	}
}

func (s *suite) putStream(store artifact.Store, size int64) artifact.Digest {
	s.Helper()
	m := newMemory(size)
	g := newGenerator(size, m)
	info, err := store.Put(s.Context(), g)
	if err != nil {
		s.Fatalf("Put of %d bytes: %v", size, err)
	}
	if want := artifact.NewDigest([32]byte(g.hash.Sum(nil))); info.Digest != want || info.Size != size {
		s.Fatalf("Put gave %s and %d bytes, want %s and %d", info.Digest, info.Size, want, size)
	}
	s.checkMemory("Put", m, size)
	return info.Digest
}

func streamPutAndRead(s *suite) {
	store, size := s.store(), s.streamSize()
	digest := s.putStream(store, size)
	r, err := store.Open(s.Context(), digest)
	if err != nil {
		s.Fatalf("Open: %v", err)
	}
	defer r.Close()
	m, sum, buffer := newMemory(size), sha256.New(), make([]byte, 256<<10)
	for {
		n, err := r.Read(buffer)
		sum.Write(buffer[:n])
		m.add(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			s.Fatalf("Read after %d bytes: %v", m.seen, err)
		}
	}
	if got := artifact.NewDigest([32]byte(sum.Sum(nil))); got != digest || m.seen != size {
		s.Errorf("read %d bytes with digest %s, want %d with %s", m.seen, got, size, digest)
	}
	s.checkMemory("the reader", m, size)
	s.checkClean(store)
}

func streamCancelPut(s *suite) {
	store, size := s.store(), s.streamSize()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	g := newGenerator(size, newMemory(size))
	_, err := store.Put(ctx, readFunc(func(p []byte) (int, error) {
		if g.left <= size/2 {
			cancel()
		}
		return g.Read(p)
	}))
	s.checkEnded("Put", err, context.Canceled)
	if g.left < size/4 {
		s.Errorf("Put went on for %d bytes after its context had ended", size/2-g.left)
	}
	s.checkList(store)
	s.checkClean(store)
	s.checkList(store)
}

func streamCancelRead(s *suite) {
	store, size := s.store(), s.streamSize()
	digest := s.putStream(store, size)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	r, err := store.Open(ctx, digest)
	if err != nil {
		s.Fatalf("Open: %v", err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, size/2); err != nil {
		s.Fatalf("Read: %v", err)
	}
	cancel()
	n, err := io.Copy(io.Discard, r)
	s.checkEnded("read", err, context.Canceled)
	if n > size/4 {
		s.Errorf("the reader went on for %d bytes after its context had ended", n)
	}
	if _, err := store.Stat(s.Context(), digest); err != nil {
		s.Errorf("Stat afterwards: %v", err)
	}
}

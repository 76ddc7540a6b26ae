package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// bufferSize is what one read, hash and write handle. Content that fits into one buffer is not written if it is there.
const bufferSize = 256 << 10

func (s *store) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	if err := ctx.Err(); err != nil {
		return artifact.Info{}, ended("put content", err)
	}
	temps, release, err := s.acquire()
	if err != nil {
		return artifact.Info{}, err
	}
	defer release()

	first := s.buffers.Get().(*[bufferSize]byte)
	defer s.buffers.Put(first)
	n, err := fill(ctx, r, first[:])
	if err == io.EOF { //nolint:errorlint // an error that wraps io.EOF is not the end
		return s.putSmall(temps.Path(), first[:n])
	}
	if err != nil {
		return artifact.Info{}, readFailed(ctx, err)
	}
	return s.putLarge(ctx, temps.Path(), r, first)
}

// putSmall stores content that is in memory. If it is there already its bytes are compared, so that damaged content heals.
func (s *store) putSmall(temps string, content []byte) (artifact.Info, error) {
	digest := artifact.NewDigest(sha256.Sum256(content))
	if info, ok, err := s.refresh(digest, content); ok || err != nil {
		return info, err
	}
	temp, err := createTemp(temps)
	if err != nil {
		return artifact.Info{}, explain("put content: create a file in "+temps, err)
	}
	defer temp.discard()
	if _, err := temp.Write(content); err != nil {
		return artifact.Info{}, explain("put content: write to "+s.dir, err)
	}
	return s.install(temp, digest)
}

// refresh updates the time of content whose file has exactly the given bytes.
func (s *store) refresh(digest artifact.Digest, content []byte) (_ artifact.Info, ok bool, _ error) {
	info, err := s.stat(digest)
	if err != nil || info.Size() != int64(len(content)) {
		return artifact.Info{}, false, nil
	}
	buffer := s.buffers.Get().(*[bufferSize]byte)
	defer s.buffers.Put(buffer)
	f, err := os.Open(s.file(digest))
	if err != nil {
		return artifact.Info{}, false, nil
	}
	n, err := io.ReadFull(f, buffer[:len(content)])
	f.Close()
	if err != nil || !bytes.Equal(buffer[:n], content) {
		return artifact.Info{}, false, nil
	}
	if err := os.Chtimes(s.file(digest), time.Time{}, time.Now()); err != nil {
		return artifact.Info{}, false, nil
	}
	// Whoever wrote the content may not have flushed its directory yet.
	if err := s.syncFolder(digest); err != nil {
		return artifact.Info{}, false, explain("put content "+string(digest), err)
	}
	if info, err = s.stat(digest); err != nil {
		return artifact.Info{}, false, nil
	}
	return describe(digest, info), true, nil
}

// putLarge streams: a goroutine hashes one buffer while the next is being read and written. First is full.
func (s *store) putLarge(ctx context.Context, temps string, r io.Reader, first *[bufferSize]byte) (artifact.Info, error) {
	temp, err := createTemp(temps)
	if err != nil {
		return artifact.Info{}, explain("put content: create a file in "+temps, err)
	}
	defer temp.discard()
	second := s.buffers.Get().(*[bufferSize]byte)
	defer s.buffers.Put(second)
	hasher := newHasher()
	defer hasher.stop()

	buffers, n := [2]*[bufferSize]byte{first, second}, bufferSize
	for i, last := 0, false; ; i++ {
		chunk := buffers[i%2][:n]
		hasher.add(chunk)
		if _, err := temp.Write(chunk); err != nil {
			return artifact.Info{}, explain("put content: write to "+s.dir, err)
		}
		if last {
			break
		}
		hasher.await(1) // the other buffer is hashed
		n, err = fill(ctx, r, buffers[(i+1)%2][:])
		if err != nil && err != io.EOF { //nolint:errorlint // see above
			return artifact.Info{}, readFailed(ctx, err)
		}
		last = err == io.EOF //nolint:errorlint // see above
	}
	return s.install(temp, hasher.digest())
}

// install makes a temporary file durable and visible. It replaces content that is there: that refreshes its time, heals it if it
// was damaged, and does not disturb its readers.
func (s *store) install(temp *tempFile, digest artifact.Digest) (artifact.Info, error) {
	if err := temp.seal(); err != nil {
		return artifact.Info{}, explain("put content: flush to "+s.dir, err)
	}
	if err := s.ensureFolder(digest); err != nil {
		return artifact.Info{}, explain("put content "+string(digest), err)
	}
	info, err := os.Lstat(temp.Name())
	if err == nil {
		err = replace(temp.Name(), s.file(digest))
	}
	if err != nil {
		return artifact.Info{}, explain("put content "+string(digest), err)
	}
	temp.installed = true
	if err := s.syncFolder(digest); err != nil {
		return artifact.Info{}, explain("put content "+string(digest), err)
	}
	return describe(digest, info), nil
}

// ensureFolder makes the folder of a digest durable, once for each folder.
func (s *store) ensureFolder(digest artifact.Digest) error {
	i, err := strconv.ParseUint(digest.Hex()[:2], 16, 8)
	if err != nil {
		return err
	}
	folder := filepath.Dir(s.file(digest))
	if s.known[i].Load() {
		if _, err := os.Lstat(folder); err == nil {
			return nil
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncDir(s.content()); err != nil {
		return err
	}
	s.known[i].Store(true)
	return nil
}

func (s *store) syncFolder(digest artifact.Digest) error {
	return syncDir(filepath.Dir(s.file(digest)))
}

// fill reads until p is full or r ends, which is io.EOF.
func fill(ctx context.Context, r io.Reader, p []byte) (n int, err error) {
	for n < len(p) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		m, err := r.Read(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}

func readFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return ended("put content", err)
	}
	return component.Errorf(component.CodeOf(err), "put content: read it: %w", err)
}

// hasher hashes in a goroutine of its own.
type hasher struct {
	hash    hash.Hash
	chunks  chan []byte
	hashed  chan struct{} // one for each chunk
	pending int
}

func newHasher() *hasher {
	h := &hasher{hash: sha256.New(), chunks: make(chan []byte, 2), hashed: make(chan struct{}, 2)}
	go func() {
		defer close(h.hashed)
		for chunk := range h.chunks {
			h.hash.Write(chunk)
			h.hashed <- struct{}{}
		}
	}()
	return h
}

// add hashes a chunk, which must not change until it was awaited.
func (h *hasher) add(chunk []byte) {
	h.pending++
	h.chunks <- chunk
}

// await returns when at most so many chunks are still being hashed.
func (h *hasher) await(pending int) {
	for ; h.pending > pending; h.pending-- {
		<-h.hashed
	}
}

func (h *hasher) digest() artifact.Digest {
	h.await(0)
	return artifact.NewDigest([32]byte(h.hash.Sum(nil)))
}

// stop returns when the goroutine no longer uses the chunks.
func (h *hasher) stop() {
	close(h.chunks)
	for range h.hashed {
	}
}

package loopback_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/artifacttest"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loopback is a client, the server that it talks to, and the directory of the server's store.
type loopback struct {
	*client
	server *server
	grpc   *grpc.Server
	dir    string
}

func open(t *testing.T, dir string) loopback {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := loopback{server: &server{store: store}, grpc: grpc.NewServer(grpc.WaitForHandlers(true)), dir: dir}
	l.grpc.RegisterService(serviceDesc(), l.server)
	served := make(chan error, 1)
	go func() { served <- l.grpc.Serve(listener) }()
	t.Cleanup(func() {
		l.grpc.Stop()
		if err := errors.Join(<-served, store.Close()); err != nil {
			t.Error(err)
		}
	})
	if l.client, err = dial(t.Context(), listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l loopback) file(digest artifact.Digest) string {
	return filepath.Join(l.dir, "sha256", digest.Hex()[:2], digest.Hex()[2:])
}

func (l loopback) temporaries() (n int) {
	_ = filepath.WalkDir(filepath.Join(l.dir, "tmp"), func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "lock" {
			n++
		}
		return nil
	})
	return n
}

func rewrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err := errors.Join(err, os.Chmod(path, 0o644), os.WriteFile(path, change(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	artifacttest.Run(t, artifacttest.Harness{
		Open: func(t *testing.T) artifact.Store { return open(t, t.TempDir()) },
		Reopen: func(t *testing.T, store artifact.Store) artifact.Store {
			return open(t, store.(loopback).dir)
		},
		Truncate: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			rewrite(t, store.(loopback).file(digest), func(b []byte) []byte { return b[:len(b)/2] })
		},
		Flip: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			rewrite(t, store.(loopback).file(digest), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		Remove: func(t *testing.T, store artifact.Store, digest artifact.Digest) {
			if err := os.Remove(store.(loopback).file(digest)); err != nil {
				t.Fatal(err)
			}
		},
		Temporaries: func(_ *testing.T, store artifact.Store) int { return store.(loopback).temporaries() },
	})
}

// awaitIdle returns when no handler runs on the server any more, which still serves.
func (l loopback) awaitIdle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for l.server.streams.Load() != 0 {
		select {
		case <-ctx.Done():
			t.Fatal("a handler is still running")
		case <-tick.C:
		}
	}
}

type zeros struct{ after func() }

func (z zeros) Read(p []byte) (int, error) {
	z.after()
	clear(p)
	return len(p), nil
}

// A client that goes away ends the server's side, too.
func TestCancelEndsHandlers(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	defer l.Close()
	info, err := l.Put(t.Context(), io.LimitReader(zeros{func() {}}, 64<<20))
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	_, err = l.Put(ctx, zeros{func() {
		if read++; read == 100 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v, want canceled", err)
	}
	l.awaitIdle(t)
	if n := l.temporaries(); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}

	for name, end := range map[string]func(io.Closer, context.CancelFunc){
		"cancel": func(_ io.Closer, cancel context.CancelFunc) { cancel() },
		"close":  func(r io.Closer, _ context.CancelFunc) { r.Close() },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := l.Open(ctx, info.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, 1<<20); err != nil || l.server.streams.Load() != 1 {
			t.Errorf("%s: read: %v; %d handlers run, want 1", name, err, l.server.streams.Load())
		}
		end(r, cancel)
		l.awaitIdle(t)
		r.Close()
		cancel()
	}
}

// A server that goes away fails the client's calls; content is never cut short without an error.
func TestServerStops(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir())
	defer l.Close()
	info, err := l.Put(t.Context(), io.LimitReader(zeros{func() {}}, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Open(t.Context(), info.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 1<<20); err != nil {
		t.Fatal(err)
	}
	l.grpc.Stop()
	_, err = io.Copy(io.Discard, r)
	if code := component.CodeOf(err); code != component.Unavailable && code != component.Canceled || !strings.Contains(err.Error(), string(info.Digest)) {
		t.Errorf("the reader gave %v, want Unavailable or Canceled and the digest", err)
	}
	if _, err := l.Stat(t.Context(), info.Digest); component.CodeOf(err) != component.Unavailable {
		t.Errorf("Stat gave %v, want Unavailable", err)
	}
	if _, err := l.Put(t.Context(), strings.NewReader("x")); component.CodeOf(err) != component.Unavailable {
		t.Errorf("Put gave %v, want Unavailable", err)
	}
}

// Every code passes the wire.
func TestCodes(t *testing.T) {
	t.Parallel()
	for code := component.Unknown; code <= component.Exhausted; code++ {
		err := fromStatus(t.Context(), "call", toStatus(component.Errorf(code, "it failed")))
		if component.CodeOf(err) != code || err.Error() != "it failed" {
			t.Errorf("code %v became %v: %v", code, component.CodeOf(err), err)
		}
	}
}

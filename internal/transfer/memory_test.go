package transfer_test

import (
	"context"
	"crypto/sha256"
	"io"
	"reflect"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// A gigabyte passes from a blob to the store with a bounded buffer. Not parallel: it looks at the memory of the whole process.
func TestBlobMemory(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("hashes a gigabyte")
	}
	const size = 1 << 30
	debug.FreeOSMemory()
	zeros := &zeroReader{t: t}
	blob := artifact.NewBlob(func(context.Context) (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros, size)), nil })
	rec, err := transfer.Save(t.Context(), hashOnly{}, codecFor(t, reflect.TypeFor[artifact.Blob]()), "blob", blob)
	// head -c 1G /dev/zero | sha256sum
	if want := artifact.Digest("sha256:49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"); err != nil || rec.Size != size || rec.Digest != want {
		t.Errorf("stored %s of %d bytes, %v", rec.Digest, rec.Size, err)
	}
}

// zeroReader yields zeros and looks at the heap meanwhile.
type zeroReader struct {
	t *testing.T
	n int
}

func (z *zeroReader) Read(p []byte) (int, error) {
	clear(p)
	before := z.n >> 26
	if z.n += len(p); z.n>>26 != before {
		var m runtime.MemStats
		if runtime.ReadMemStats(&m); m.HeapInuse > 64<<20 {
			z.t.Errorf("%d MiB of heap in use after %d MiB", m.HeapInuse>>20, z.n>>20)
		}
	}
	return len(p), nil
}

// hashOnly is a store that keeps nothing.
type hashOnly struct{ artifact.Store }

func (hashOnly) Put(_ context.Context, r io.Reader) (artifact.Info, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return artifact.Info{Digest: artifact.NewDigest([32]byte(h.Sum(nil))), Size: n}, err
}

package local_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
)

const gibibyte = 1 << 30

// gigabyte yields 1 GiB that cost nearly nothing to make and differ from run to run.
func gigabyte(run int) io.Reader {
	block := make([]byte, 1<<20)
	copy(block, fmt.Sprint("run ", run))
	left := gibibyte
	return readerFunc(func(p []byte) (int, error) {
		if left == 0 {
			return 0, io.EOF
		}
		n := copy(p, block[:min(left, len(block))])
		left -= n
		return n, nil
	})
}

// compare runs tenon and plain in turns, so that both meet the same machine, and reports the ratio of their speeds.
func compare(b *testing.B, tenon, plain func(run int) error) {
	var took [2]time.Duration
	turn := func(i, run int, f func(int) error) {
		start := time.Now()
		if err := f(run); err != nil {
			b.Fatal(err)
		}
		took[i] += time.Since(start)
	}
	run := 0
	b.SetBytes(2 * gibibyte)
	for b.Loop() {
		turn(run%2, run, [...]func(int) error{tenon, plain}[run%2])
		turn((run+1)%2, run, [...]func(int) error{tenon, plain}[(run+1)%2])
		run++
	}
	for i, name := range []string{"tenon", "plain"} {
		b.ReportMetric(float64(run)*gibibyte/1e6/took[i].Seconds(), name+"-MB/s")
	}
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
}

// BenchmarkPut1GiB compares Put with hashing and copying into a file and flushing it. A ratio above 1 is faster than that.
func BenchmarkPut1GiB(b *testing.B) {
	dir := b.TempDir()
	store, err := openStore(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	compare(b, func(run int) error {
		info, err := store.Put(b.Context(), gigabyte(run))
		if err != nil {
			return err
		}
		return store.Delete(context.Background(), info.Digest)
	}, func(run int) error {
		return plainPut(filepath.Join(dir, "plain"), gigabyte(run))
	})
}

func plainPut(path string, r io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	defer f.Close()
	if _, err := io.CopyBuffer(io.MultiWriter(sha256.New(), f), r, make([]byte, 256<<10)); err != nil {
		return err
	}
	return f.Sync()
}

// BenchmarkOpen1GiB compares reading from the store with reading and hashing the same file.
func BenchmarkOpen1GiB(b *testing.B) {
	store, err := openStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	info, err := store.Put(b.Context(), gigabyte(0))
	if err != nil {
		b.Fatal(err)
	}
	drain := func(w io.Writer, r io.ReadCloser, err error) error {
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.CopyBuffer(w, struct{ io.Reader }{r}, make([]byte, 256<<10))
		return err
	}
	compare(b, func(int) error {
		r, err := store.Open(b.Context(), info.Digest)
		return drain(struct{ io.Writer }{io.Discard}, r, err)
	}, func(int) error {
		f, err := os.Open(file(store, info.Digest))
		return drain(io.MultiWriter(sha256.New(), struct{ io.Writer }{io.Discard}), f, err)
	})
}

// BenchmarkPutSmall shows that small contents, which cost a flush each, are put concurrently.
func BenchmarkPutSmall(b *testing.B) {
	store, err := openStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	for _, parallel := range []int{1, 16} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) {
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					content := fmt.Sprint(parallel, time.Now().UnixNano())
					if _, err := store.Put(context.Background(), strings.NewReader(content)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func openStore(dir string) (artifact.Store, error) {
	store, err := local.Open(dir)
	return disk{store, dir}, err
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/pipeline"
)

// row is one line of the table. Measure returns how long the work took; baseline, if any, how long plain Go takes for the
// comparable part of it.
type row struct {
	name, title, budget string
	measure, baseline   func(ctx context.Context, dir string) (time.Duration, error)
	baselineName        string
	// show turns a duration into the figure that the budget is about.
	show func(d time.Duration) string
}

const gib = 1 << 30

func rows() []row {
	return []row{
		{
			name: "chain", title: "chain of 1000 no-op steps", budget: "50 µs a step",
			measure: fresh(chain, 1000), baseline: bareSQLite(1000, 32), baselineName: "their rows in bare SQLite, 32 steps a commit",
			show: each(1000),
		},
		{
			name: "wide", title: "10,000 independent no-op steps", budget: "20,000 steps/s",
			measure: fresh(wide, 10_000), baseline: bareSQLite(10_000, 1000), baselineName: "their rows in bare SQLite, 1000 steps a commit",
			show: rate(10_000),
		},
		{
			name: "map", title: "map over 10,000 elements", budget: "20,000 elements/s", measure: fresh(mapped, 10_000),
			baseline: plainWide(10_000), baselineName: "errgroup, which records nothing", show: rate(10_000),
		},
		{name: "cached", title: "fully cached re-run of 1000 steps", budget: "50 ms", measure: cached(1000), show: whole},
		{name: "graph", title: "build and validate a graph of 100,000 steps", budget: "1 s", measure: build(100_000), show: whole},
		{
			name: "start", title: "program start to first step", budget: "30 ms", measure: start,
			baseline: plainStart, baselineName: "the same program, which ends at once", show: whole,
		},
		{
			name: "process", title: "chain of 20 no-op steps, each in a process of its own", budget: "1.1 times bare os/exec",
			measure: processes(20), baseline: plainProcesses(20), baselineName: "the same program, started and awaited, which ends at once",
			show: each(20),
		},
		{
			name: "resume", title: "resume of 10,000 independent steps of which half are done", budget: "-", measure: resumed(10_000),
			baseline: fresh(wide, 10_000), baselineName: "a whole run of them", show: whole,
		},
		{
			name: "write", title: "artifact write, 1 GiB, local", budget: "80 % of plain Go", measure: write(gib), baseline: plainWrite(gib),
			baselineName: "hash and copy the same bytes, fsync", show: whole,
		},
		{
			name: "read", title: "artifact read, 1 GiB, local", budget: "80 % of plain Go", measure: read(gib), baseline: plainRead(gib),
			baselineName: "read and hash the same bytes", show: whole,
		},
	}
}

func whole(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

func each(n int) func(time.Duration) string {
	return func(d time.Duration) string {
		return fmt.Sprintf("%.1f µs a step", float64(d.Microseconds())/float64(n))
	}
}

func rate(n int) func(time.Duration) string {
	return func(d time.Duration) string { return fmt.Sprintf("%.0f/s", float64(n)/d.Seconds()) }
}

// fresh runs a pipeline of n steps that are new to its home. The program is warm: it has run something else before.
func fresh[Out any](p *pipeline.Pipeline[size, Out], n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		client, err := tenon.Open(ctx, tenon.Config{Home: dir})
		if err != nil {
			return 0, err
		}
		defer client.Close()
		if err := runOnce(ctx, client, mapped, 1); err != nil {
			return 0, err
		}
		return timed(func() error { return runOnce(ctx, client, p, n) })
	}
}

func runOnce[Out any](ctx context.Context, client *tenon.Client, p *pipeline.Pipeline[size, Out], n int, config ...pipeline.RunConfig) error {
	run, err := p.Run(ctx, client, size{N: n}, config...)
	if err != nil {
		return err
	}
	_, err = run.Result(ctx)
	return err
}

// cached runs a chain once and measures the second run.
func cached(n int) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		client, err := tenon.Open(ctx, tenon.Config{Home: dir})
		if err != nil {
			return 0, err
		}
		defer client.Close()
		if err := runOnce(ctx, client, chain, n); err != nil {
			return 0, err
		}
		return timed(func() error { return runOnce(ctx, client, chain, n) })
	}
}

func build(n int) func(context.Context, string) (time.Duration, error) {
	return func(context.Context, string) (time.Duration, error) {
		return timed(func() error {
			g, err := chain.Graph(size{N: n})
			if err != nil {
				return err
			}
			_, err = g.Digest()
			return err
		})
	}
}

// noise yields n bytes that do not repeat within a block.
func noise(n int64) io.Reader {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i*i>>7 ^ i)
	}
	return io.LimitReader(&repeat{block: block}, n)
}

type repeat struct {
	block []byte
	at    int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

func write(n int64) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		store, err := local.Open(dir)
		if err != nil {
			return 0, err
		}
		defer store.Close()
		return timed(func() error {
			_, err := store.Put(ctx, noise(n))
			return err
		})
	}
}

func read(n int64) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		store, err := local.Open(dir)
		if err != nil {
			return 0, err
		}
		defer store.Close()
		info, err := store.Put(ctx, noise(n))
		if err != nil {
			return 0, err
		}
		return timed(func() error {
			r, err := store.Open(ctx, info.Digest)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		})
	}
}

func plainWrite(n int64) func(context.Context, string) (time.Duration, error) {
	return func(_ context.Context, dir string) (time.Duration, error) {
		return timed(func() error {
			f, err := os.Create(filepath.Join(dir, "plain"))
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := io.CopyBuffer(io.MultiWriter(f, sha256.New()), struct{ io.Reader }{noise(n)}, make([]byte, 1<<20)); err != nil {
				return err
			}
			return f.Sync()
		})
	}
}

func plainRead(n int64) func(context.Context, string) (time.Duration, error) {
	return func(_ context.Context, dir string) (time.Duration, error) {
		path := filepath.Join(dir, "plain")
		if _, err := plainWrite(n)(context.Background(), dir); err != nil {
			return 0, err
		}
		return timed(func() error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			h := sha256.New()
			if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil {
				return err
			}
			if bytes.Equal(h.Sum(nil), nil) {
				return io.ErrUnexpectedEOF
			}
			return nil
		})
	}
}

func timed(fn func() error) (time.Duration, error) {
	runtime.GC()
	start := time.Now()
	err := fn()
	return time.Since(start), err
}

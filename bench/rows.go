package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

const gib = 1 << 30

// rows are all rows of the table. What some of them build in a directory is built when they are measured.
func rows(dir string) []row {
	p := newPeer(dir)
	all := slices.Concat(schedulingRows(p), processRows(p), newCode(filepath.Join(dir, "code")).rows(), artifactRows(), scaleRows(newHomes(dir, fullRuns)), memoryRows())
	for i := range all {
		all[i].unit = cmp.Or(all[i].unit, nanoseconds)
	}
	return all
}

func schedulingRows(p *peer) []row {
	const errgroup = "errgroup, which records nothing"
	return []row{
		{
			name: "chain", title: "chain of 1000 no-op steps", budget: budget{text: "50 µs a step", most: ms(50)},
			measure: took(fresh(chain, 1000)), show: each(1000),
			baselines: append([]baseline{
				{"their rows in bare SQLite, 32 steps a commit", took(bareSQLite(1000, 32))},
				{errgroup, took(plainChain(1000))},
			}, p.baselines("chain", 1000, "")...),
		},
		{
			name: "external", title: "the same, each recorded before the next starts", measure: took(fresh(chain, 1000, external)), show: each(1000),
			baselines: append([]baseline{{"their rows in bare SQLite, a commit a step", took(bareSQLite(1000, 1))}}, p.baselines("chain", 1000, "")...),
		},
		{
			name: "wide", title: "10,000 independent no-op steps", budget: budget{text: "20,000 steps/s", most: ms(500)},
			measure: took(fresh(wide, 10_000)), show: rate(10_000),
			baselines: append([]baseline{
				{"their rows in bare SQLite, 1000 steps a commit", took(bareSQLite(10_000, 1000))},
				{errgroup, took(plainWide(10_000))},
			}, p.baselines("wide", 10_000, "")...),
		},
		{
			name: "map", title: "map over 10,000 elements", budget: budget{text: "20,000 elements/s", most: ms(500)},
			measure: took(fresh(mapped, 10_000)), show: rate(10_000),
			baselines: []baseline{{errgroup, took(plainWide(10_000))}},
		},
		{
			name: "cached", title: "fully cached re-run of 1000 steps", budget: budget{text: "50 ms", most: ms(50)},
			measure: took(cached(1000)), show: whole,
			baselines: slices.Concat(
				p.baselines("replay", 1000, " replays 1000 recorded steps"),
				p.baselines("rerun", 1000, " reads the result of a finished workflow by its ID"),
			),
		},
		{
			name: "resume", title: "resume of 10,000 independent steps of which half are done", measure: took(resumed(10_000)), show: whole,
			baselines: append([]baseline{{"a whole run of them", took(fresh(wide, 10_000))}}, p.baselines("resume", 10_000, "")...),
		},
		{
			name: "graph", title: "build and validate a graph of 100,000 steps", budget: budget{text: "1 s", most: ms(1000)},
			measure: took(build(100_000)), show: whole,
		},
		{
			name: "graph-run", title: "run of a graph of 100,000 independent steps", budget: budget{text: "20,000 steps/s", most: ms(5000)},
			measure: took(fresh(wide, 100_000)), show: rate(100_000),
		},
		{
			name: "chain-long", title: "chain of 5000 no-op steps", budget: budget{text: "50 µs a step", most: ms(250)},
			measure: took(fresh(chain, 5000)), show: each(5000),
		},
	}
}

func processRows(p *peer) []row {
	return []row{
		{
			name: "start", title: "program start to first step", budget: budget{text: "30 ms", most: ms(30)}, measure: took(start), show: whole,
			baselines: append([]baseline{{"the same program, which ends at once", took(plainStart)}}, p.baselines("start", 1, "")...),
		},
		{
			name: "process", title: "chain of 20 no-op steps, each in a process of its own", budget: budget{text: "1.1 times bare os/exec", ratio: 1.1},
			measure: took(processes(20)), show: each(20),
			baselines: []baseline{
				{"the same program, started and awaited, which ends at once", took(plainProcesses(20))},
				{"the same, which makes two HTTP calls over a socket", took(callingProcesses(20))},
			},
		},
	}
}

func artifactRows() []row {
	const most = 1 / 0.8
	return []row{
		{
			name: "write", title: "artifact write, 1 GiB, local", budget: budget{text: "80 % of plain Go", ratio: most}, measure: took(write(gib)), show: whole,
			baselines: []baseline{{"hash and copy the same bytes, fsync", took(plainWrite(gib))}},
		},
		{
			name: "read", title: "artifact read, 1 GiB, local", budget: budget{text: "80 % of plain Go", ratio: most}, measure: took(read(gib)), show: whole,
			baselines: []baseline{{"read and hash the same bytes", took(plainRead(gib))}},
		},
	}
}

func ms(n int64) int64 { return n * int64(time.Millisecond) }

// whole shows a duration to three digits.
func whole(figure int64) string {
	d := time.Duration(figure)
	unit := time.Nanosecond
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

func each(n int) func(int64) string {
	return func(figure int64) string {
		return fmt.Sprintf("%.1f µs a step", time.Duration(figure).Seconds()*1e6/float64(n))
	}
}

func rate(n int) func(int64) string {
	return func(figure int64) string { return fmt.Sprintf("%.0f/s", float64(n)/time.Duration(figure).Seconds()) }
}

// external makes every step wait until all upstream is recorded.
var external = pipeline.RunConfig{Steps: step.Configs{"*": {External: step.On}}}

// fresh runs a pipeline of n steps that are new to its home. The program is warm: it has run something else before.
func fresh[Out any](p *pipeline.Pipeline[size, Out], n int, config ...pipeline.RunConfig) func(context.Context, string) (time.Duration, error) {
	return func(ctx context.Context, dir string) (time.Duration, error) {
		client, err := tenon.Open(ctx, tenon.Config{Home: dir})
		if err != nil {
			return 0, err
		}
		defer client.Close()
		if err := runOnce(ctx, client, mapped, 1); err != nil {
			return 0, err
		}
		return timed(func() error { return runOnce(ctx, client, p, n, config...) })
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

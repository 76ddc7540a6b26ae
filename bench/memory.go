package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

const (
	inBytes unit = "B"
	mb           = 1000 * 1000
	large        = 4 * gib // bytes of an artifact
)

// memoryRows measure memory, each in a process of its own.
func memoryRows() []row {
	const program = "the same program with one"
	all := []row{
		{
			name: "memory-step", title: "live heap of a run of 100,000 pending steps, a step", budget: budget{text: "20 kB", most: 20_000},
			measure: inProcess("pending", 100_000), baselines: []baseline{{"of a run of 10,000", inProcess("pending", 10_000)}},
		},
		{
			name: "memory-map", title: "peak memory of a map over 10,000 elements", budget: budget{text: "20 kB an element", most: 200 * mb},
			measure: inProcess("mapped", 10_000), baselines: []baseline{{program + " element", inProcess("mapped", 1)}},
		},
		{
			name: "memory-graph", title: "peak memory of a run of 100,000 independent steps", budget: budget{text: "20 kB a step", most: 2000 * mb},
			measure: inProcess("wide", 100_000), baselines: []baseline{{program + " step", inProcess("wide", 1)}},
		},
		{
			name: "memory-chain", title: "peak memory of a run of a chain of 100,000 steps", budget: budget{text: "20 kB a step", most: 2000 * mb},
			measure: inProcess("chain", 100_000), baselines: []baseline{{program + " step", inProcess("chain", 1)}},
		},
		{
			name: "memory-artifact", title: "peak memory of an artifact of " + amount(large) + ", written by one step and read by another",
			budget: budget{text: "200 MB", most: 200 * mb}, measure: withRoom(large, inProcess("artifact", large)), baselines: []baseline{{program + " byte", inProcess("artifact", 1)}},
		},
	}
	for i := range all {
		all[i].unit, all[i].show = inBytes, amount
	}
	return all
}

// withRoom measures if so much disk is free, and half as much again.
func withRoom(bytes int64, measure measurement) measurement {
	return func(ctx context.Context, dir string) (int64, error) {
		have, err := free(dir)
		if err != nil {
			return 0, err
		}
		if need := bytes + bytes/2; have < need {
			return 0, unavailable{fmt.Sprintf("%s of %s are free where temporary files are", amount(have), amount(need))}
		}
		return measure(ctx, dir)
	}
}

func amount(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= mb:
		return fmt.Sprintf("%.0f MB", float64(n)/mb)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1000)
}

// task does what a row measures, in the home that is the working directory, and returns the figure.
func task(ctx context.Context, name string, n int) (int64, error) {
	client, err := tenon.Open(ctx, tenon.Config{Home: "home"})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	switch name {
	case "pending":
		return pending(ctx, client, n)
	case "mapped":
		err = runOnce(ctx, client, mapped, n)
	case "wide":
		err = runOnce(ctx, client, wide, n)
	case "chain":
		err = runOnce(ctx, client, chain, n)
	case "artifact":
		err = runOnce(ctx, client, streamed, n)
	default:
		err = fmt.Errorf("no task is called %q", name)
	}
	if err != nil {
		return 0, err
	}
	return peak()
}

// pending returns how much larger the heap is for each step of a run, all of which wait for the first.
func pending(ctx context.Context, client *tenon.Client, n int) (int64, error) {
	running, end := make(chan struct{}), make(chan struct{})
	wait := func(context.Context, firstIn) (artifact.Ref[int], error) {
		close(running)
		<-end
		return artifact.New(0), nil
	}
	held := pipeline.Define("held", func(p *pipeline.Builder, in size) artifact.Ref[int] {
		last := pipeline.Step(p, "s0", wait, firstIn{}, step.Config{Cache: step.Never})
		for i := 1; i < in.N; i++ {
			last = pipeline.Step(p, fmt.Sprintf("s%d", i), link, linkIn{last})
		}
		return last
	})
	before := liveHeap()
	run, err := held.Run(ctx, client, size{n})
	if err != nil {
		return 0, err
	}
	<-running
	figure := (liveHeap() - before) / int64(n)
	run.Cancel()
	close(end)
	_, _ = run.Result(ctx) // it was cancelled
	return figure, nil
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// streamed writes an artifact of N bytes, and reads it.
var streamed = pipeline.Define("streamed", func(p *pipeline.Builder, in size) artifact.Ref[string] {
	return pipeline.Step(p, "read", readBlob, blobIn{pipeline.Step(p, "write", writeBlob, listIn(in))})
})

func writeBlob(_ context.Context, in listIn) (artifact.Ref[artifact.Blob], error) {
	return artifact.New(artifact.NewBlob(func(context.Context) (io.ReadCloser, error) { return io.NopCloser(noise(int64(in.N))), nil })), nil
}

type blobIn struct{ Blob artifact.Ref[artifact.Blob] }

func readBlob(ctx context.Context, in blobIn) (artifact.Ref[string], error) {
	r, err := in.Blob.Value().Open(ctx)
	if err != nil {
		return artifact.Ref[string]{}, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return artifact.Ref[string]{}, err
	}
	return artifact.New(hex.EncodeToString(h.Sum(nil))), nil
}

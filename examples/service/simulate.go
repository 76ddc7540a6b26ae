package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

const (
	// batch is how many paths are simulated between two rests.
	batch = 500
	// saveEvery is the time between two checkpoints: what a crash costs at most. A step that takes hours would save every minute.
	saveEvery = 200 * time.Millisecond
)

// Sample is what was simulated.
type Sample struct {
	Paths        int
	Sum, Squares float64 // of what the option pays
}

// SimulateIn is the input of simulate for one shard.
type SimulateIn struct {
	Shard                                 artifact.Ref[Shard]
	Spot, Strike, Rate, Volatility, Years float64
	Dates, Pause                          int
}

// Checkpoint is a simulation on its way: what there is so far, and how the random numbers go on.
type Checkpoint struct {
	Sample Sample
	Random []byte
}

// Simulate draws the paths of one shard. Killed, or asked to stop, in its middle, it goes on from its last checkpoint, and returns what it would
// have returned without.
func (d desk) Simulate(ctx context.Context, in SimulateIn) (artifact.Ref[Sample], error) {
	var none artifact.Ref[Sample]
	shard := in.Shard.Value()
	source := rand.NewPCG(shard.Seed[0], shard.Seed[1])
	var at Checkpoint
	switch found, err := step.Restore(ctx, &at); {
	case err != nil:
		return none, err
	case found:
		if err := source.UnmarshalBinary(at.Random); err != nil {
			return none, fmt.Errorf("restore the random numbers: %w", err)
		}
	}
	if err := d.ledger.Note(ctx, at.Sample.Paths); err != nil {
		return none, err
	}
	random, saved := rand.New(source), time.Now()
	for at.Sample.Paths < shard.Paths {
		for range min(batch, shard.Paths-at.Sample.Paths) {
			pays := in.path(random)
			at.Sample.Paths++
			at.Sample.Sum += pays
			at.Sample.Squares += pays * pays
		}
		step.Progress(ctx, int64(at.Sample.Paths), int64(shard.Paths))
		stopped := rest(ctx, time.Duration(in.Pause)*time.Millisecond)
		if stopped != nil || time.Since(saved) >= saveEvery {
			at.Random, _ = source.MarshalBinary() // never fails
			if err := step.Checkpoint(ctx, at); err != nil {
				return none, err
			}
			saved = time.Now()
		}
		if stopped != nil {
			return none, stopped
		}
	}
	return artifact.New(at.Sample), nil
}

// path returns what the option pays for one course of the share.
func (in SimulateIn) path(random *rand.Rand) float64 {
	dt := in.Years / float64(in.Dates)
	drift, spread := (in.Rate-in.Volatility*in.Volatility/2)*dt, in.Volatility*math.Sqrt(dt)
	price, sum := in.Spot, 0.0
	for range in.Dates {
		price *= math.Exp(drift + spread*random.NormFloat64())
		sum += price
	}
	return max(0, sum/float64(in.Dates)-in.Strike)
}

// rest returns after d, or at once with the reason when ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// Params say what is to be priced, as the JSON body of POST /runs does: an Asian call option, which pays by how much the mean price of a share
// exceeds a strike.
type Params struct {
	Spot       float64 `doc:"price of the share today"`
	Strike     float64 `doc:"price from which on the option pays"`
	Rate       float64 `doc:"interest without risk, of a year: 0.03 is 3 %"`
	Volatility float64 `doc:"of the share, of a year: 0.2 is 20 %"`
	Years      float64 `doc:"until the option pays"`
	Dates      int     `doc:"times, evenly spread, of whose prices the mean is taken"`
	Paths      int     `doc:"prices to simulate: four times as many halve the error"`
	Shards     int     `doc:"parts that are simulated in parallel"`
	Seed       uint64  `doc:"seed of the random numbers"`
	Pause      int     `doc:"milliseconds of rest after each 500 paths, which leave the processors to the rest of the service"`
	Review     bool    `doc:"ask a person before the quote is published"`
}

// Validate is called before anything runs.
func (p Params) Validate() error {
	for _, bound := range []struct {
		name             string
		value, low, high float64
	}{
		{"spot", p.Spot, 0.01, 1e6},
		{"strike", p.Strike, 0.01, 1e6},
		{"rate", p.Rate, -0.1, 1},
		{"volatility", p.Volatility, 0.001, 5},
		{"years", p.Years, 0.001, 50},
		{"dates", float64(p.Dates), 1, 1000},
		{"paths", float64(p.Paths), 2, 1e8},
		{"shards", float64(p.Shards), 1, min(1000, float64(p.Paths))},
		{"pause", float64(p.Pause), 0, 1000},
	} {
		if !(bound.value >= bound.low && bound.value <= bound.high) { // also true for NaN
			return fmt.Errorf("%s: must be %g to %g", bound.name, bound.low, bound.high)
		}
	}
	return nil
}

// Quote is what the option is worth.
type Quote struct {
	Price float64 `json:"price"`
	Error float64 `json:"error"` // standard error of the price
	Paths int     `json:"paths"` // simulated
}

// Quotes returns the pipeline that prices an option and publishes the quote in the ledger.
func Quotes(ledger Ledger) *pipeline.Pipeline[Params, artifact.Ref[Quote]] {
	d := desk{ledger}
	return pipeline.Define("quote", func(p *pipeline.Builder, in Params) artifact.Ref[Quote] {
		shards := pipeline.Step(p, "split", d.Split, SplitIn{Paths: in.Paths, Shards: in.Shards, Seed: in.Seed})
		samples := pipeline.Map(p, "simulate", d.Simulate, shards, func(shard artifact.Ref[Shard]) SimulateIn {
			return SimulateIn{
				Shard: shard, Spot: in.Spot, Strike: in.Strike, Rate: in.Rate, Volatility: in.Volatility, Years: in.Years, Dates: in.Dates, Pause: in.Pause,
			}
		})
		quote := pipeline.Step(p, "price", d.Price, PriceIn{
			Samples: pipeline.Gather(samples, func(s artifact.Ref[Sample]) artifact.Ref[Sample] { return s }), Rate: in.Rate, Years: in.Years,
		})
		var approvals []artifact.Ref[pipeline.Approval]
		if in.Review {
			approvals = append(approvals, pipeline.Wait(p, review, "Publish this quote?", ReviewIn{Quote: quote}))
		}
		pipeline.Step(p, "publish", d.Publish, PublishIn{Quote: quote, Approvals: approvals},
			step.Config{External: step.On, Cache: step.Never, Retry: step.Retry{Attempts: 3}})
		return quote
	},
		pipeline.Doc("prices an Asian option by simulation"),
		pipeline.Defaults(Params{Spot: 100, Strike: 100, Rate: 0.03, Volatility: 0.2, Years: 1, Dates: 52, Paths: 80_000, Shards: 4, Seed: 1, Pause: 25}),
		pipeline.StepDefaults(step.Config{Cache: step.Pure}), // the ledger that the steps share changes nothing in what they return
	)
}

// review is the step that asks a person.
const review = "review"

// desk has the steps, and what they share.
type desk struct{ ledger Ledger }

// Shard is a part of the simulation.
type Shard struct {
	Paths int
	Seed  [2]uint64
}

// SplitIn is the input of split.
type SplitIn struct {
	Paths, Shards int
	Seed          uint64
}

// Split deals the paths to the shards.
func (d desk) Split(ctx context.Context, in SplitIn) (artifact.Ref[[]Shard], error) {
	if err := d.ledger.Note(ctx, 0); err != nil {
		return artifact.Ref[[]Shard]{}, err
	}
	shards := make([]Shard, in.Shards)
	for i := range shards {
		shards[i] = Shard{Paths: in.Paths*(i+1)/in.Shards - in.Paths*i/in.Shards, Seed: [2]uint64{in.Seed, uint64(i)}}
	}
	return artifact.New(shards), nil
}

// PriceIn is the input of price.
type PriceIn struct {
	Samples     artifact.Ref[[]Sample]
	Rate, Years float64
}

// Price makes a quote of all that was simulated.
func (d desk) Price(ctx context.Context, in PriceIn) (artifact.Ref[Quote], error) {
	if err := d.ledger.Note(ctx, 0); err != nil {
		return artifact.Ref[Quote]{}, err
	}
	var all Sample
	for _, s := range in.Samples.Value() {
		all.Paths += s.Paths
		all.Sum += s.Sum
		all.Squares += s.Squares
	}
	n := float64(all.Paths)
	mean := all.Sum / n
	variance := max(0, all.Squares/n-mean*mean) * n / (n - 1)
	today := math.Exp(-in.Rate * in.Years)
	q := Quote{Price: today * mean, Error: today * math.Sqrt(variance/n), Paths: all.Paths}
	step.Metric(ctx, "price", q.Price)
	step.Metric(ctx, "error", q.Error)
	return artifact.New(q), nil
}

// ReviewIn is what a person sees who is asked.
type ReviewIn struct {
	Quote artifact.Ref[Quote]
}

// PublishIn is the input of publish.
type PublishIn struct {
	Quote     artifact.Ref[Quote]
	Approvals []artifact.Ref[pipeline.Approval] // none if nobody was asked
}

// Publish enters the quote in the ledger. The service may be killed after that and before the step is recorded as done, and then the step runs
// again: its key is the same then, and the ledger knows it.
func (d desk) Publish(ctx context.Context, in PublishIn) (struct{}, error) {
	if err := d.ledger.Note(ctx, 0); err != nil {
		return struct{}{}, err
	}
	attempt, ok := step.Info(ctx)
	if !ok {
		return struct{}{}, errors.New("there is no key outside a run")
	}
	entry := Entry{Run: attempt.Run, Quote: in.Quote.Value()}
	for _, approval := range in.Approvals {
		entry.ApprovedBy = approval.Value().By
	}
	added, err := d.ledger.Add(attempt.Key, entry)
	if err != nil {
		return struct{}{}, err
	}
	step.Logger(ctx).Info("published", "price", entry.Quote.Price, "error", entry.Quote.Error, "before", !added)
	return struct{}{}, nil
}

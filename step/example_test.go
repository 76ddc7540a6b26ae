package step_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

type FitIn struct {
	Rows artifact.Ref[[]float64]
	LR   float64
}

// Fit is a step.
func Fit(ctx context.Context, in FitIn) (artifact.Ref[float64], error) {
	rows := in.Rows.Value()
	if len(rows) == 0 {
		return artifact.Ref[float64]{}, step.Permanent(errors.New("no rows to fit"))
	}
	var mean float64
	for i, x := range rows {
		mean += in.LR * (x - mean)
		step.Metric(ctx, "mean", mean)
		step.Progress(ctx, int64(i+1), int64(len(rows)))
	}
	step.Logger(ctx).Debug("fitted", "rows", len(rows))
	return artifact.New(mean), nil
}

// A step is tested by a plain call: what it says about its attempt goes nowhere outside a run.
func Example() {
	ctx := context.Background()
	out, err := Fit(ctx, FitIn{Rows: artifact.New([]float64{1, 2, 3}), LR: 0.5})
	fmt.Println(out.Value(), err)
	_, err = Fit(ctx, FitIn{Rows: artifact.New([]float64{})})
	fmt.Println(err, step.IsPermanent(err))
	// Output:
	// 2.125 <nil>
	// no rows to fit true
}

// Layers of configuration are merged field by field; the higher one wins.
func ExampleConfig_Merge() {
	stack := step.Config{Timeout: time.Hour, Retry: step.Retry{Attempts: 3, Backoff: time.Minute}}
	pipeline := step.Config{Cache: step.TTL(24 * time.Hour)}
	train := step.Config{Timeout: step.NoTimeout, Retry: step.Retry{Attempts: 5}}

	resolved := train.Merge(pipeline).Merge(stack).Resolved()
	fmt.Println("timeout", resolved.Timeout)
	fmt.Println("attempts", resolved.Retry.Attempts, "backoff", resolved.Retry.Backoff)
	fmt.Println("cached for", resolved.Cache.TTL)
	// Output:
	// timeout 0s
	// attempts 5 backoff 1m0s
	// cached for 24h0m0s
}

func ExampleConfig_Validate() {
	fmt.Println(step.Config{Retry: step.Retry{Attempts: -1}}.Validate())
	// Output: retry.attempts: -1 is negative: 1 means no retry
}

func ExampleBytes() {
	var c step.Config
	if err := json.Unmarshal([]byte(`{"resources": {"memory": "1.5GiB"}}`), &c); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.Resources.Memory, int64(c.Resources.Memory))
	fmt.Println(c.Resources.Memory.UnmarshalText([]byte("lots")))
	// Output:
	// 1.5GiB 1610612736
	// want a number of bytes, such as 1048576, 512MiB or 4GB, got "lots"
}

func ExampleInfo() {
	charge := func(ctx context.Context) {
		if attempt, ok := step.Info(ctx); ok {
			fmt.Println("idempotency key", attempt.Key)
			return
		}
		fmt.Println("called outside a run")
	}
	charge(context.Background())
	// Output: called outside a run
}

// Prices is opened when a step first asks for it, and closed with the client or the worker process.
var Prices = step.NewResource("prices", func(ctx context.Context) (PriceList, error) {
	return fetchPrices(ctx, "https://prices.example.com")
}, nil)

type PriceList map[string]float64

func fetchPrices(_ context.Context, url string) (PriceList, error) {
	return nil, errors.New("get " + url + ": no network here")
}

type QuoteIn struct{ Item string }

// Quote is a step that uses a resource.
func Quote(ctx context.Context, in QuoteIn) (artifact.Ref[float64], error) {
	prices, err := Prices.Get(ctx)
	if err != nil {
		return artifact.Ref[float64]{}, err
	}
	return artifact.New(prices[in.Item]), nil
}

// A test gives the step a resource of its own.
func ExampleResource() {
	ctx := Prices.With(context.Background(), PriceList{"nail": 0.25})
	out, err := Quote(ctx, QuoteIn{Item: "nail"})
	fmt.Println(out.Value(), err)
	_, err = Quote(context.Background(), QuoteIn{Item: "nail"})
	fmt.Println(err)
	// Output:
	// 0.25 <nil>
	// resource prices is opened only within a run: give a test its own with the resource's method With
}

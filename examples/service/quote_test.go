package main

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// quick are parameters of a run that takes no time.
func quick() Params {
	p := Quotes(Ledger{}).Params()
	p.Paths, p.Shards, p.Dates, p.Pause = 4000, 2, 4, 0
	return p
}

func openLedger(t *testing.T) Ledger {
	t.Helper()
	ledger, err := OpenLedger(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ledger
}

// TestPrice compares with the formula of Black and Scholes: with one date, at the end, the option is a European one.
func TestPrice(t *testing.T) {
	t.Parallel()
	p := quick()
	p.Dates, p.Paths = 1, 200_000
	quote := pipelinetest.Run(t, Quotes(openLedger(t)), p).Value()
	d := (math.Log(p.Spot/p.Strike) + (p.Rate+p.Volatility*p.Volatility/2)*p.Years) / (p.Volatility * math.Sqrt(p.Years))
	normal := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	want := p.Spot*normal(d) - p.Strike*math.Exp(-p.Rate*p.Years)*normal(d-p.Volatility*math.Sqrt(p.Years))
	if quote.Paths != p.Paths || quote.Error > 0.05 || math.Abs(quote.Price-want) > 3*quote.Error {
		t.Errorf("the quote is %+v, the price by formula is %v", quote, want)
	}
}

// TestSplit: the shards have all paths, whatever their number.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, in := range []SplitIn{{Paths: 10, Shards: 3}, {Paths: 7, Shards: 7}, {Paths: 100_000_000, Shards: 1000}} {
		out, err := desk{}.Split(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		paths := 0
		for _, s := range out.Value() {
			paths += s.Paths
			if s.Paths < in.Paths/in.Shards {
				t.Errorf("%+v: a shard has %d paths", in, s.Paths)
			}
		}
		if paths != in.Paths {
			t.Errorf("%+v: together %d paths", in, paths)
		}
	}
}

func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	in := SimulateIn{Shard: artifact.New(Shard{Paths: 1e8}), Spot: 1, Strike: 1, Volatility: 1, Years: 1, Dates: 1, Pause: 1000}
	if _, err := (desk{}).Simulate(ctx, in); err == nil {
		t.Error("it does not stop")
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Params){
		"spot: must be 0.01 to 1e+06":    func(p *Params) { p.Spot = 0 },
		"volatility: must be 0.001 to 5": func(p *Params) { p.Volatility = math.NaN() },
		"years: must be 0.001 to 50":     func(p *Params) { p.Years = math.Inf(1) },
		"dates: must be 1 to 1000":       func(p *Params) { p.Dates = 0 },
		"paths: must be 2 to 1e+08":      func(p *Params) { p.Paths = 1e9 },
		"shards: must be 1 to 5":         func(p *Params) { p.Paths, p.Shards = 5, 6 },
		"pause: must be 0 to 1000":       func(p *Params) { p.Pause = -1 },
		"strike: must be 0.01 to 1e+06":  func(p *Params) { p.Strike = 1e7 },
		"rate: must be -0.1 to 1":        func(p *Params) { p.Rate = 3 },
	} {
		p := quick()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := quick().Validate(); err != nil {
		t.Error(err)
	}
}

// TestLedger: the same key enters one entry, however often and by whom it is used.
func TestLedger(t *testing.T) {
	t.Parallel()
	ledger := openLedger(t)
	added := make(chan bool)
	for range 8 {
		go func() {
			ok, err := ledger.Add("run/publish#1", Entry{Run: "run"})
			if err != nil {
				t.Error(err)
			}
			added <- ok
		}()
	}
	count := 0
	for range 8 {
		if <-added {
			count++
		}
	}
	if entries := ledgerEntries(t, ledger); count != 1 || len(entries) != 1 || entries[0].Run != "run" {
		t.Errorf("added %d times: %+v", count, entries)
	}
}

package main

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Delay is a row of the table that the pipeline is for: one airport in one month.
type Delay struct {
	Month     string  `parquet:"month"` // "2001-01"
	Airport   string  `parquet:"airport"`
	Flights   int64   `parquet:"flights"`
	Late      int64   `parquet:"late"`       // flights
	LateShare float64 `parquet:"late_share"` // 0 to 1
	MeanDelay float64 `parquet:"mean_delay"` // minutes; early arrivals count as negative
	Longest   int64   `parquet:"longest"`    // minutes
}

// CombineIn is the input of combine. Refs may be in lists, too: here is one for each file.
type CombineIn struct {
	Parts []artifact.Ref[[]Sum]
	Late  int64 // minutes, for the summary
}

// CombineOut is what combine returns.
type CombineOut struct {
	Delays  artifact.Ref[[]Delay] // by month and airport
	Summary artifact.Ref[string]
}

// Combine makes one table of the sums of all files. A month may be spread over several.
func Combine(ctx context.Context, in CombineIn) (CombineOut, error) {
	all, total, months := sums{}, Sum{}, map[string]bool{}
	for _, part := range in.Parts {
		for _, s := range part.Value() {
			all.add(s)
			total.add(s)
		}
	}
	delays := make([]Delay, 0, len(all))
	for _, s := range all.sorted() {
		d := delay(s)
		delays, months[d.Month] = append(delays, d), true
	}
	step.Metric(ctx, "flights", float64(total.Flights))
	overall := delay(total)
	step.Logger(ctx).Info("combined", "files", len(in.Parts), "months", len(months), "flights", total.Flights, "longest_delay_minutes", total.Longest)
	summary := fmt.Sprintf("%.1f %% of %d flights arrived over %d minutes late", 100*overall.LateShare, overall.Flights, in.Late)
	return CombineOut{Delays: artifact.New(delays), Summary: artifact.New(summary)}, nil
}

// delay returns the row of a sum of at least one flight.
func delay(s Sum) Delay {
	n := float64(s.Flights)
	return Delay{
		Month: fmt.Sprintf("%04d-%02d", s.Year, s.Month), Airport: s.Airport, Flights: s.Flights, Late: s.Late,
		LateShare: float64(s.Late) / n, MeanDelay: float64(s.Minutes) / n, Longest: s.Longest,
	}
}

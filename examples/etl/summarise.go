package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/step"
)

// Sum adds up the flights that left an airport in a month. Sums of several files can be added to each other, means could not.
type Sum struct {
	Year    int
	Month   time.Month
	Airport string
	Flights int64
	Late    int64
	Minutes int64 // of delay, together
	Longest int64 // delay, in minutes
}

// add makes s the sum of both.
func (s *Sum) add(t Sum) {
	if s.Flights == 0 || t.Longest > s.Longest {
		s.Longest = t.Longest
	}
	s.Flights, s.Late, s.Minutes = s.Flights+t.Flights, s.Late+t.Late, s.Minutes+t.Minutes
}

// cell says what a [Sum] is about.
type cell struct {
	year    int
	month   time.Month
	airport string
}

// sums has a [Sum] for each month and airport: as much memory as there are airports, however many flights.
type sums map[cell]*Sum

func (all sums) add(t Sum) {
	at := cell{t.Year, t.Month, t.Airport}
	s := all[at]
	if s == nil {
		s = &Sum{Year: t.Year, Month: t.Month, Airport: t.Airport}
		all[at] = s
	}
	s.add(t)
}

// sorted returns the sums by month and airport.
func (all sums) sorted() []Sum {
	list := make([]Sum, 0, len(all))
	for _, s := range slices.SortedFunc(maps.Values(all), func(a, b *Sum) int {
		return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Airport, b.Airport))
	}) {
		list = append(list, *s)
	}
	return list
}

// SummariseIn is the input of summarise.
type SummariseIn struct {
	Flights artifact.Ref[artifact.Table[Flight]]
	Late    int64 // minutes
}

// Summarise adds up the flights of one file, as they stream by.
func Summarise(ctx context.Context, in SummariseIn) (artifact.Ref[[]Sum], error) {
	all := sums{}
	for f, err := range in.Flights.Value().Rows(ctx) {
		if err != nil {
			return artifact.Ref[[]Sum]{}, err
		}
		year, month, _ := f.Departed.Date()
		one := Sum{Year: year, Month: month, Airport: f.Origin, Flights: 1, Minutes: f.Delay, Longest: f.Delay}
		if f.Delay > in.Late {
			one.Late = 1
		}
		all.add(one)
	}
	step.Metric(ctx, "cells", float64(len(all)))
	return artifact.New(all.sorted()), nil
}

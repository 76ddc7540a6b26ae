package simulate

import (
	"slices"
	"strings"
)

// Faults is a set of kinds of faults.
type Faults uint

// The kinds of faults.
const (
	Crashes    Faults = 1 << iota // an attempt ends before, in the middle of, or after its function, and its result is lost
	Deaths                        // the process that drives the run dies, or is cut off from the metadata store, and another one takes the run over
	Duplicates                    // an attempt is executed twice; one that was given up goes on and ends late
	Timeouts                      // the context of an attempt ends before its function returns
	Failures                      // stores fail, before a call has had its effect or after it
	Delays                        // stores are slow, and attempts start late
)

// All is every kind of fault.
const All = Crashes | Deaths | Duplicates | Timeouts | Failures | Delays

// kinds lists every kind with its name.
var kinds = []struct {
	kind Faults
	name string
}{
	{Crashes, "crashes"}, {Deaths, "deaths"}, {Duplicates, "duplicates"}, {Timeouts, "timeouts"}, {Failures, "failures"}, {Delays, "delays"},
}

// String lists the kinds.
func (f Faults) String() string {
	var names []string
	for _, k := range kinds {
		if f&k.kind != 0 {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ", ")
}

// rates draws how often each of the allowed kinds happens. Most seeds leave some out: faults of one kind may hide those of another.
func (w *World) rates(allowed Faults) map[Faults]float64 {
	const usual = 0.25
	shares := []float64{0, 0, 0.1, usual, 0.5}
	rates := map[Faults]float64{}
	var may []Faults
	for _, k := range kinds {
		if allowed&k.kind == 0 {
			continue
		}
		may = append(may, k.kind)
		rates[k.kind] = shares[w.rand("rate", k.name).IntN(len(shares))]
	}
	if len(may) > 0 && !slices.ContainsFunc(may, func(k Faults) bool { return rates[k] > 0 }) {
		rates[may[w.rand("rate").IntN(len(may))]] = usual
	}
	return rates
}

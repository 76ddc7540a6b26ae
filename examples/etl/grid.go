package main

import (
	"cmp"
	"maps"
	"slices"
)

// fewest flights of which a share in percent means something.
const fewest = 30

// everywhere is the row of all airports together, also those that have no row of their own.
const everywhere = "all airports"

// grid has an airport in each row and a month in each column. It is a plot.Plotter.
type grid struct {
	months      []string
	airports    []string           // from the bottom to the top
	share       map[[2]int]float64 // of late flights, by column and row
	least, most float64            // share
}

// newGrid arranges the busiest airports by their share of late flights, the least late at the bottom, and above them all airports together.
// Months of too few flights are left out.
func newGrid(delays []Delay, airports int) grid {
	byAirport, byMonth := map[string]counts{}, map[string]counts{}
	for _, d := range delays {
		byAirport[d.Airport] = byAirport[d.Airport].plus(d)
		byMonth[d.Month] = byMonth[d.Month].plus(d)
	}
	maps.DeleteFunc(byMonth, func(_ string, c counts) bool { return c.flights < fewest })
	g := grid{months: slices.Sorted(maps.Keys(byMonth)), share: map[[2]int]float64{}, least: 1}
	g.airports = slices.SortedFunc(maps.Keys(byAirport), func(a, b string) int {
		return cmp.Or(cmp.Compare(byAirport[b].flights, byAirport[a].flights), cmp.Compare(a, b))
	})
	g.airports = g.airports[:min(len(g.airports), airports)]
	slices.SortFunc(g.airports, func(a, b string) int {
		return cmp.Or(cmp.Compare(byAirport[a].share(), byAirport[b].share()), cmp.Compare(a, b))
	})
	for _, d := range delays {
		g.set(d.Month, d.Airport, counts{d.Flights, d.Late})
	}
	g.airports = append(g.airports, "", everywhere) // with a gap between
	for month, c := range byMonth {
		g.set(month, everywhere, c)
	}
	return g
}

// set does nothing for a month or an airport that the grid does not have.
func (g *grid) set(month, airport string, c counts) {
	x, y := slices.Index(g.months, month), slices.Index(g.airports, airport)
	if x < 0 || y < 0 || c.flights < fewest {
		return
	}
	g.share[[2]int{x, y}] = c.share()
	g.least, g.most = min(g.least, c.share()), max(g.most, c.share())
}

// heat returns where a share is between the least and the most, 0 to 1.
func (g *grid) heat(share float64) float64 {
	if g.most <= g.least {
		return 0
	}
	return (share - g.least) / (g.most - g.least)
}

type counts struct{ flights, late int64 }

func (c counts) plus(d Delay) counts { return counts{c.flights + d.Flights, c.late + d.Late} }

func (c counts) share() float64 { return float64(c.late) / float64(c.flights) }

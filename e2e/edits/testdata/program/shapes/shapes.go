package shapes

import "sort"

// Shape is implemented by Square.
type Shape interface{ Area() int }

// Base is embedded.
type Base struct{ Side int }

func (b Base) double() int { return 2 * b.Side }

// Square is a shape.
type Square struct{ Base }

// Area implements Shape.
func (s Square) Area() int { return s.double() * s.Side }

// MarshalJSON is called by package json alone.
func (s Square) MarshalJSON() ([]byte, error) { return []byte(`"square"`), nil }

type descending []int

func (d descending) Len() int           { return len(d) }
func (d descending) Less(i, j int) bool { return d[i] > d[j] }
func (d descending) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Sorted sorts.
func Sorted(all ...int) []int {
	sort.Sort(descending(all))
	return all
}

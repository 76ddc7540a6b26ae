package faults_test

import (
	"fmt"
	"slices"
	"strings"
)

// histogram counts by name.
type histogram map[string]int

func (h *histogram) add(name string) {
	if *h == nil {
		*h = histogram{}
	}
	(*h)[name]++
}

func (h histogram) total() (n int) {
	for _, count := range h {
		n += count
	}
	return n
}

func (h histogram) String() string {
	var lines []string
	for name, count := range h {
		lines = append(lines, fmt.Sprintf("%5d  %-56s %s", count, name, strings.Repeat("*", count)))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[7:], b[7:]) })
	return strings.Join(lines, "\n")
}

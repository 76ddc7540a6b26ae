package registry

import (
	"fmt"
	"maps"
	"slices"
)

var entries = map[string]int{}

// Mode is set by another package.
var Mode = "plain"

// Add adds an entry.
func Add(name string, value int) bool {
	entries[name] = value
	return true
}

// All lists the entries.
func All() (all []string) {
	for _, k := range slices.Sorted(maps.Keys(entries)) {
		all = append(all, fmt.Sprint(k, entries[k]))
	}
	return all
}

package fingerprint

import (
	"maps"
	"slices"
)

// Part is one thing that a fingerprint is made of: a declaration, or what counts for all of them.
type Part struct {
	// Name is the declaration's, by the import path of its package: "example.com/app/features.Scale". Declarations that stand in for
	// each other under different build constraints share a name.
	Name string
	// File is its file, by the import path, and Line where it begins there; empty and 0 if it is no declaration. They do not count.
	File string
	Line int
	// Digest is the SHA-256 of what counts, in hexadecimal.
	Digest string
}

// Change is one difference between what two fingerprints are made of.
type Change struct {
	Old, New *Part // nil if there is none
}

// Compare lists how two lists of parts differ, by name.
func Compare(before, after []Part) []Change {
	olds, news := byName(before), byName(after)
	names := maps.Clone(olds)
	maps.Copy(names, news)
	var changes []Change
	for _, name := range sortedKeys(names) {
		a, b := unmatched(olds[name], news[name]), unmatched(news[name], olds[name])
		for i := range max(len(a), len(b)) {
			var c Change
			if i < len(a) {
				c.Old = &a[i]
			}
			if i < len(b) {
				c.New = &b[i]
			}
			changes = append(changes, c)
		}
	}
	return changes
}

func byName(parts []Part) map[string][]Part {
	all := map[string][]Part{}
	for _, p := range parts {
		all[p.Name] = append(all[p.Name], p)
	}
	return all
}

// unmatched returns the parts of one list whose digests the other does not have.
func unmatched(parts, others []Part) []Part {
	var left []Part
	for _, p := range parts {
		if !slices.ContainsFunc(others, func(o Part) bool { return o.Digest == p.Digest }) {
			left = append(left, p)
		}
	}
	return left
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

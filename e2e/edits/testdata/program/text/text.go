package text

import "strings"

type ordered interface{ ~int | ~string }

// Max returns the larger.
func Max[T ordered](a, b T) T {
	if a > b {
		return a
	}
	return b
}

// Name returns the name of a type.
func Name[T interface{ Name() string }]() string {
	var zero T
	return zero.Name()
}

// Longest returns the longest word.
func Longest(s string) string {
	longest := ""
	for _, w := range strings.Fields(s) {
		if len(w) > len(longest) {
			longest = w
		}
	}
	return longest
}

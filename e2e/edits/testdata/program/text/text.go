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

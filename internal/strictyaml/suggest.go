package strictyaml

import (
	"slices"
	"strings"
)

// Suggest says what would be right in place of a name that is not known: `did you mean "timeout"?`, or what there is.
func Suggest(name string, known []string) string {
	if closest := Closest(name, known); closest != "" {
		return `did you mean "` + closest + `"?`
	}
	const most = 20
	switch shown := known[:min(most, len(known))]; {
	case len(known) == 0:
		return "there is none"
	case len(known) == 1:
		return "the only one is " + known[0]
	case len(known) > most:
		return "want one of " + strings.Join(shown, ", ") + ", ..."
	default:
		return "want one of " + strings.Join(shown, ", ")
	}
}

// Closest returns the known name that name was probably meant to be, or "".
func Closest(name string, known []string) string {
	best, least := "", 1+min(len(name), 9)/3 // one mistake in every three letters, three at most
	if len(name) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(normal(name), normal(k)); d < least || d == least && best == "" && d < len(normal(k)) && d < len(normal(name)) {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace, or swap with a neighbour to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		now := make([]int, len(y)+1)
		now[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, slices.Clone(now)
	}
	return last[len(y)]
}

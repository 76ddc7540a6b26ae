package codedoc

import (
	"slices"

	"github.com/tenon-ml/tenon/internal/fingerprint"
)

// Kind of the documents.
const Kind = "code"

// Code says what fingerprints are made of. The zero value and nil know nothing. It may be read by several goroutines once nothing is added.
type Code struct {
	parts []fingerprint.Part
	index map[fingerprint.Part]int // of parts; nil until something is added
	sets  map[string][]span        // by fingerprint
}

// span is a run of parts.
type span struct{ first, count int }

// Has reports whether c knows what a fingerprint is made of.
func (c *Code) Has(mark string) bool { return c != nil && c.sets[mark] != nil }

// Parts returns what a fingerprint is made of, nil if that is not known. The order is of no meaning.
func (c *Code) Parts(mark string) []fingerprint.Part {
	if !c.Has(mark) {
		return nil
	}
	var parts []fingerprint.Part
	for _, s := range c.sets[mark] {
		parts = append(parts, c.parts[s.first:s.first+s.count]...)
	}
	return slices.Clip(parts)
}

// Count is the number of parts of a fingerprint, 0 if they are not known.
func (c *Code) Count(mark string) int {
	if c == nil {
		return 0
	}
	n := 0
	for _, s := range c.sets[mark] {
		n += s.count
	}
	return n
}

// Add tells what a fingerprint is made of. No parts tell nothing.
func (c *Code) Add(mark string, parts []fingerprint.Part) {
	if len(parts) == 0 {
		return
	}
	if c.index == nil {
		c.restart(len(parts))
	}
	var set []span
	next := 0 // lists of parts are alike: what follows a part in one mostly follows it in others
	for _, p := range parts {
		if next == len(c.parts) || c.parts[next] != p {
			next = c.place(p)
		}
		if last := len(set) - 1; last >= 0 && set[last].first+set[last].count == next {
			set[last].count++
		} else {
			set = append(set, span{next, 1})
		}
		next++
	}
	c.sets[mark] = set
}

func (c *Code) restart(size int) {
	c.index = make(map[fingerprint.Part]int, max(size, len(c.parts)))
	for i, p := range c.parts {
		c.index[p] = i
	}
	if c.sets == nil {
		c.sets = map[string][]span{}
	}
}

// place returns where a part stands, after adding it if it is new.
func (c *Code) place(p fingerprint.Part) int {
	i, ok := c.index[p]
	if !ok {
		i = len(c.parts)
		c.index[p] = i
		c.parts = append(c.parts, p)
	}
	return i
}

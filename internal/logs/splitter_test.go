package logs

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever the pieces in which a text comes, its lines are the same, and no longer than the limit.
func TestSplitter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringOf(rapid.SampledFrom([]rune("ab\n"))).Draw(t, "text"))
		long := splitLimit * rapid.IntRange(0, 2).Draw(t, "long")
		text = append(text, bytes.Repeat([]byte("x"), long+rapid.IntRange(0, 2).Draw(t, "more"))...)
		text = append(text, rapid.SampledFrom([]string{"", "\n", "\n\n", "\ny"}).Draw(t, "end")...)
		var got []string
		s := Splitter{Line: func(line []byte) { got = append(got, string(line)) }}
		for rest := text; len(rest) > 0; {
			n := min(len(rest), rapid.OneOf(rapid.IntRange(1, len(rest)), rapid.SampledFrom([]int{1, splitLimit, long + 1})).Draw(t, "piece"))
			piece := slices.Clone(rest[:n])
			if _, err := s.Write(piece); err != nil {
				t.Fatal(err)
			}
			clear(piece) // a writer keeps nothing of it
			rest = rest[n:]
		}
		s.Close()
		var want []string
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			for len(line) > splitLimit {
				want = append(want, line[:splitLimit])
				line = line[splitLimit:]
			}
			want = append(want, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if cap(s.rest) > 2*splitLimit {
			t.Fatalf("it holds %d bytes", cap(s.rest))
		}
	})
}

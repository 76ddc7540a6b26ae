package logs_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/internal/logs"
)

// at yields lines at the given seconds; -1 is an error.
func at(name string, seconds ...int) iter.Seq2[logs.Line, error] {
	return func(yield func(logs.Line, error) bool) {
		for _, s := range seconds {
			var err error
			if s < 0 {
				err = errors.New("damaged " + name)
			}
			if !yield(logs.Line{Time: time.Unix(int64(s), 0), Message: fmt.Sprint(name, s)}, err) {
				return
			}
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for want, c := range map[string][2]iter.Seq2[logs.Line, error]{
		"[]":                     {at("a"), at("b")},
		"[a1 a2]":                {at("a", 1, 2), at("b")},
		"[b1 b2]":                {at("a"), at("b", 1, 2)},
		"[b1 a2 b3 a4 a5 b6]":    {at("a", 2, 4, 5), at("b", 1, 3, 6)},
		"[a1 b1 a2 b2]":          {at("a", 1, 2), at("b", 1, 2)},
		"[a1 b2 damaged b]":      {at("a", 1, 3), at("b", 2, -1)},
		"[damaged a]":            {at("a", -1), at("b", 1, 3)},
		"[a2 b3 damaged b]":      {at("a", 2), at("b", 3, -1)},
		"[a1 damaged a]":         {at("a", 1, -1), at("b", 2)},
		"[damaged b]":            {at("a", 1), at("b", -1)},
		"[a1 a2 a3 b4 b5 b6 b7]": {at("a", 1, 2, 3), at("b", 4, 5, 6, 7)},
	} {
		var got []string
		for line, err := range logs.Merge(c[0], c[1]) {
			if err != nil {
				got = append(got, err.Error())
				continue
			}
			got = append(got, line.Message)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	for range logs.Merge(at("a", 1, 2), at("b", 1, 2)) {
		break // what was pulled is let go
	}
}

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/step"
)

// longestAge bounds what a flag of an age takes: times that far back can still be recorded.
const longestAge = 100 * 365 * 24 * time.Hour

// age is a flag with a length of time, such as 30d, 12h, 2w or 1d12h.
type age struct{ value *time.Duration }

func (a *age) String() string { return "" }
func (a *age) Type() string   { return "string" }

func (a *age) Set(s string) error {
	d, err := parseAge(s)
	if err == nil {
		*a.value = d
	}
	return err
}

var ageUnits = map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}

// parseAge reads whole numbers with units, one after the other.
func parseAge(s string) (time.Duration, error) {
	bad := func(why string) error { return fmt.Errorf("%.40q %s: write 30d, 12h, 2w or 1d12h", s, why) }
	if s == "" {
		return 0, bad("is empty")
	}
	var total time.Duration
	for rest := s; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if digits == 0 || strings.HasPrefix(rest[digits:], ".") {
			return 0, bad("is not made of whole numbers with units")
		}
		rest = rest[digits:]
		if rest == "" {
			return 0, bad("has no unit")
		}
		unit, ok := ageUnits[rest[:1]]
		if !ok {
			return 0, bad("has a unit that is none of w, d, h, m (minutes) and s")
		}
		if err != nil || n > int64(longestAge/unit) {
			return 0, bad("is longer than 100 years")
		}
		if total += time.Duration(n) * unit; total > longestAge {
			return 0, bad("is longer than 100 years")
		}
		rest = rest[1:]
	}
	return total, nil
}

// ageText writes a length of time as parseAge reads it.
func ageText(d time.Duration) string {
	var text strings.Builder
	for _, unit := range []string{"d", "h", "m", "s"} {
		if n := d / ageUnits[unit]; n > 0 {
			fmt.Fprintf(&text, "%d%s", n, unit)
			d %= ageUnits[unit]
		}
	}
	return cmp.Or(text.String(), "0s")
}

// quantity is a flag with a number of bytes, such as 10GiB.
type quantity struct{ value *int64 }

func (q *quantity) String() string { return "" }
func (q *quantity) Type() string   { return "string" }

func (q *quantity) Set(s string) error {
	var n step.Bytes
	if err := n.UnmarshalText([]byte(s)); err != nil {
		return err
	}
	if n < 0 {
		return errors.New("a size is not negative")
	}
	*q.value = int64(n)
	return nil
}

package cli

import (
	"testing"
	"time"
)

func TestParseAge(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "12h": 12 * time.Hour, "2w": 14 * day, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "0s": 0, "1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second,
		"36500d": 36500 * day, "007d": 7 * day,
	} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
		if back, err := parseAge(ageText(want)); err != nil || back != want {
			t.Errorf("%v is written as %s, which is %v, %v", want, ageText(want), back, err)
		}
	}
	for _, text := range []string{"", " ", "30", "0", "d", "1 d", "1.5h", "-1h", "+1h", "1D", "1y", "1ms", "36500d1s", "5214w3d", "99999999999999999999s", "1d ", "٣d"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

func FuzzParseAge(f *testing.F) {
	f.Add("1d12h")
	f.Add("36500d")
	f.Add("9223372036854775807s1w")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseAge(text)
		if err == nil && (d < 0 || d > longestAge || d%time.Second != 0) {
			t.Errorf("%q is %v", text, d)
		}
	})
}

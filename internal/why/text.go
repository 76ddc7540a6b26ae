package why

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/metadata"
)

// most is how many bytes of a value people are shown.
const most = 60

// shown is a value in one line, shortened.
func shown(s string) string {
	if s == "" {
		return `""`
	}
	cut := s
	if len(s) > most {
		cut = clip(s, most) + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, cut)
}

// apart shows of two values that begin alike what they differ in.
func apart(a, b string) (string, string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := 0
	if i > most/2 {
		from = len(clip(a, i-most/4))
	}
	window := func(s string) string {
		s = s[min(from, len(s)):]
		if from > 0 {
			return "…" + shown(s)
		}
		return shown(s)
	}
	return window(a), window(b)
}

// clip cuts s to at most n bytes, at the border of a character.
func clip(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:min(n, len(s))]
}

// shortDigest is as much of a digest as people compare.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(len(hex), 12)]
}

func number(n int) string { return strconv.Itoa(n) }

func element(key metadata.StepKey) string {
	if key.Index < 0 {
		return key.Step
	}
	return key.Step + "[" + number(key.Index) + "]"
}

// madeAt returns when an ID was made, in milliseconds.
func madeAt(id string) (ms int64, ok bool) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return 0, false
	}
	seconds, nanos := u.Time().UnixTime()
	return seconds*1000 + nanos/1e6, true
}

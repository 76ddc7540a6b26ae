package codec

import (
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// zoneText is "Europe/Berlin CEST 7200", each part quoted if it has to be; for an instant that is too far for a timestamp, the
// seconds and nanoseconds since 1970 stand behind it.
func zoneText(t time.Time, far bool) string {
	abbrev, offset := t.Zone()
	s := quoteZone(t.Location().String()) + " " + quoteZone(abbrev) + " " + strconv.Itoa(offset)
	if far {
		s += " " + strconv.FormatInt(t.Unix(), 10) + " " + strconv.Itoa(t.Nanosecond())
	}
	return s
}

func quoteZone(s string) string {
	for _, r := range s {
		if r <= ' ' || r == '"' || r >= 0x7f {
			return strconv.Quote(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}

// parseZone takes apart what zoneText put together.
func parseZone(text string) (s timeParts, far bool, err error) {
	malformed := component.Errorf(component.Corrupt, "time zone %.80q is malformed", text)
	rest := text
	for _, part := range [...]*string{&s.zone, &s.abbrev} {
		var ok bool
		if *part, rest, ok = nextZoneWord(rest); !ok {
			return s, far, malformed
		}
	}
	numbers := strings.Fields(rest)
	if far = len(numbers) == 3; !far && len(numbers) != 1 {
		return s, far, malformed
	}
	for i, number := range numbers {
		to := [...]*int64{&s.offset, &s.seconds, &s.nanos}[i]
		if *to, err = strconv.ParseInt(number, 10, 64); err != nil {
			return s, far, malformed
		}
	}
	if s.nanos < 0 || s.nanos > 999_999_999 || s.offset < -1<<31 || s.offset > 1<<31-1 {
		return s, far, malformed
	}
	return s, far, nil
}

// nextZoneWord cuts off a word that quoteZone made.
func nextZoneWord(text string) (word, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		word, rest, ok = strings.Cut(text, " ")
		return word, rest, ok && len(word) <= maxZone
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", false
	}
	word, err = strconv.Unquote(quoted)
	return word, strings.TrimPrefix(text[len(quoted):], " "), err == nil && len(word) <= maxZone
}

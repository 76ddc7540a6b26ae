package codec

import (
	"reflect"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// Keys of an extended time, RFC 9581: the seconds since 1970, the nanoseconds, and for a time that is not in UTC the name of its zone
// as a hint, and as elective keys the abbreviation and the offset in seconds, which hold where the zone is not known.
const (
	timeSeconds = 1
	timeNanos   = -9
	timeZone    = -10
	timeAbbrev  = "abbr"
	timeOffset  = "off"
)

// maxZone bounds the names of zones and their abbreviations.
const maxZone = 255

// timePlan keeps the instant, the offset and the abbreviation of every time, and its location where the reader knows it. A
// monotonic reading, which means nothing in another process, is dropped.
func timePlan(p *plan) {
	p.enc = func(e *encoder, v reflect.Value) error { return e.time(*v.Addr().Interface().(*time.Time)) }
	p.dec = func(d *decoder, v reflect.Value) error {
		t, err := d.time()
		if err == nil {
			*v.Addr().Interface().(*time.Time) = t
		}
		return err
	}
	p.eq = func(a, b reflect.Value) bool {
		return equalTime(*a.Addr().Interface().(*time.Time), *b.Addr().Interface().(*time.Time))
	}
}

func equalTime(a, b time.Time) bool {
	aName, aOff := a.Zone()
	bName, bOff := b.Zone()
	return a.Equal(b) && aName == bName && aOff == bOff
}

func (e *encoder) time(t time.Time) error {
	e.head(majorTag, tagTime)
	utc := t.Location() == time.UTC
	pairs := uint64(2)
	if !utc {
		pairs = 5
	}
	// The keys are in the order of their encoded bytes.
	e.head(majorMap, pairs)
	e.int(timeSeconds)
	e.int(t.Unix())
	e.int(timeNanos)
	e.int(int64(t.Nanosecond()))
	if utc {
		return nil
	}
	name := t.Location().String()
	abbrev, offset := t.Zone()
	if err := checkZone(t); err != nil {
		return err
	}
	e.int(timeZone)
	if err := e.text(name); err != nil {
		return err
	}
	for _, s := range [...]struct {
		key string
		put func() error
	}{
		{timeOffset, func() error { e.int(int64(offset)); return nil }},
		{timeAbbrev, func() error { return e.text(abbrev) }},
	} {
		if err := e.text(s.key); err != nil {
			return err
		}
		if err := s.put(); err != nil {
			return err
		}
	}
	return nil
}

// checkZone refuses what no reader would take.
func checkZone(t time.Time) error {
	abbrev, _ := t.Zone()
	if name := t.Location().String(); len(name) > maxZone || len(abbrev) > maxZone {
		return component.Errorf(component.Invalid, "time zone %.80q has a name of more than %d bytes", name, maxZone)
	}
	return nil
}

func (d *decoder) time() (time.Time, error) {
	s, err := d.timeParts()
	if err != nil {
		return time.Time{}, err
	}
	t := time.Unix(s.seconds, s.nanos).UTC()
	if s.utc {
		return t, nil
	}
	return t.In(d.location(t, s)), nil
}

type timeParts struct {
	seconds, nanos, offset int64
	utc                    bool
	zone, abbrev           string
}

func (d *decoder) timeParts() (timeParts, error) {
	var s timeParts
	tag, err := d.of(majorTag, "a time")
	if err != nil {
		return s, err
	}
	if tag != tagTime {
		return s, d.fail("found tag %d where a time is expected", tag)
	}
	n, err := d.of(majorMap, "a time")
	if err != nil {
		return s, err
	}
	if n != 2 && n != 5 {
		return s, d.fail("time of %d parts", n)
	}
	if s.seconds, err = d.keyedInt(timeSeconds); err != nil {
		return s, err
	}
	if s.nanos, err = d.keyedInt(timeNanos); err != nil {
		return s, err
	}
	if s.nanos < 0 || s.nanos > 999_999_999 {
		return s, d.fail("%d nanoseconds", s.nanos)
	}
	s.utc = n == 2
	if s.utc {
		return s, nil
	}
	if key, err := d.int(); err != nil || key != timeZone {
		return s, d.fail("time without its zone")
	}
	if s.zone, err = d.zoneText(); err != nil {
		return s, err
	}
	if key, err := d.text(); err != nil || string(key) != timeOffset {
		return s, d.fail("time without its offset")
	}
	if s.offset, err = d.int(); err != nil {
		return s, err
	}
	// The format of time.FixedZone is an int of any size; a day and more is no zone on earth, yet legal in Go.
	if s.offset < -1<<31 || s.offset > 1<<31-1 {
		return s, d.fail("time zone offset of %d seconds", s.offset)
	}
	if key, err := d.text(); err != nil || string(key) != timeAbbrev {
		return s, d.fail("time without its zone's abbreviation")
	}
	s.abbrev, err = d.zoneText()
	return s, err
}

func (d *decoder) keyedInt(key int64) (int64, error) {
	got, err := d.int()
	if err != nil {
		return 0, err
	}
	if got != key {
		return 0, d.fail("found key %d of a time where %d is expected", got, key)
	}
	return d.int()
}

func (d *decoder) zoneText() (string, error) {
	b, err := d.text()
	if err != nil {
		return "", err
	}
	if len(b) > maxZone {
		return "", d.fail("time zone name of %d bytes", len(b))
	}
	return string(b), nil
}

// location returns the named location if it is known here and says the same of t, else a fixed one.
func (d *decoder) location(t time.Time, s timeParts) *time.Location {
	loc, ok := d.zones[s.zone]
	if !ok {
		loc = loadLocation(s.zone)
		if d.zones == nil {
			d.zones = make(map[string]*time.Location)
		}
		if len(d.zones) < 1024 { // more names than there are zones: not worth keeping
			d.zones[s.zone] = loc
		}
	}
	if loc != nil {
		if abbrev, offset := t.In(loc).Zone(); abbrev == s.abbrev && int64(offset) == s.offset {
			return loc
		}
	}
	return time.FixedZone(s.abbrev, int(s.offset))
}

func loadLocation(name string) *time.Location {
	if name == "Local" {
		return time.Local
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "UTC" {
		return nil
	}
	return loc
}

package step

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size in bytes. In text and YAML it may carry a unit, "512MiB", "4GiB", "1.5GB"; in JSON it is a number.
type Bytes int64

type byteUnit struct {
	name string
	size int64
}

// Binary units come first, from large to small.
var byteUnits = [...]byteUnit{
	{"EiB", 1 << 60}, {"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"EB", 1e18}, {"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

const binaryUnits = 6 // of byteUnits

// String returns the size for people, in the largest binary unit that keeps it at one or more, rounded: "1.5GiB". MarshalText
// is exact.
func (b Bytes) String() string {
	for _, u := range byteUnits[:binaryUnits] {
		if int64(b) >= u.size {
			return strconv.FormatFloat(math.Round(float64(b)/float64(u.size)*100)/100, 'f', -1, 64) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// MarshalText returns the exact size, with a binary unit if the size is a multiple of one.
func (b Bytes) MarshalText() ([]byte, error) {
	if b > 0 {
		for _, u := range byteUnits[:binaryUnits] {
			if int64(b)%u.size == 0 {
				return append(strconv.AppendInt(nil, int64(b)/u.size, 10), u.name...), nil
			}
		}
	}
	return strconv.AppendInt(nil, int64(b), 10), nil
}

// UnmarshalText parses a size: a number of bytes, or a decimal number with a unit, of which parts of a byte are cut off. "-1" is the
// only negative size; see [Resources].
func (b *Bytes) UnmarshalText(text []byte) error {
	number, unit := strings.TrimSpace(string(text)), byteUnit{size: 1}
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimRight(n, " "), u
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && (n >= 0 && n <= math.MaxInt64/unit.size || n == -1 && unit.name == "") {
		*b = Bytes(n * unit.size)
		return nil
	}
	whole, fraction, _ := strings.Cut(number, ".")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || unit.size == 1 || !digits(whole) || !digits(fraction) || n*float64(unit.size) >= math.MaxInt64 {
		return fmt.Errorf("want a number of bytes, such as 1048576, 512MiB or 4GB, got %.40q", text)
	}
	*b = Bytes(n * float64(unit.size))
	return nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// MarshalJSON returns the number of bytes.
func (b Bytes) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(b), 10), nil }

// UnmarshalJSON reads a number of bytes, or a text as UnmarshalText does.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if len(data) > 0 && data[0] != '"' {
		return b.UnmarshalText(data)
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	return b.UnmarshalText([]byte(text))
}

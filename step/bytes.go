package step

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a size in bytes. In text it may carry a unit: "512MiB", "4GiB", "1GB".
type Bytes int64

var byteUnits = [...]struct {
	name string
	size float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// String returns the size with the largest binary unit that keeps it at one or more: "1.5GiB".
func (b Bytes) String() string {
	for _, u := range [...]int{3, 2, 1, 0} {
		unit := byteUnits[u]
		if float64(b) >= unit.size {
			return strconv.FormatFloat(float64(b)/unit.size, 'g', 4, 64) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// UnmarshalText parses a size: a number of bytes, with or without a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, scale := strings.TrimSpace(string(text)), 1.0
	for _, u := range byteUnits {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			s, scale = strings.TrimSpace(number), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n*scale >= 1<<63 {
		return fmt.Errorf("size %.40q: want a number of bytes, such as 1048576, 512MiB or 4GB", text)
	}
	*b = Bytes(n * scale)
	return nil
}

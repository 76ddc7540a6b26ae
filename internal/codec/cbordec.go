package codec

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/component"
)

// decoder reads deterministic CBOR and accepts no other form, so that decoding is the exact inverse of encoding. The data may
// be hostile: nothing is allocated on the word of a length alone.
type decoder struct {
	data  []byte
	off   int
	depth int
	zones map[string]*time.Location
	embed func(Codec, memory) (any, error) // decodes a value that has a codec of the user's
}

func (d *decoder) fail(format string, args ...any) error {
	return component.Errorf(component.Invalid, "byte %d: %w", d.off, fmt.Errorf(format, args...))
}

func (d *decoder) enter() error {
	d.depth++
	if d.depth > maxDepth {
		return d.fail("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// item reads the head of the next item. For major type 7, arg holds the bits of a float, or the simple value.
func (d *decoder) item() (major, info byte, arg uint64, err error) {
	if d.off >= len(d.data) {
		return 0, 0, 0, d.fail("data ends where a value is expected")
	}
	b := d.data[d.off]
	major, info = b>>5, b&0x1f
	if info < 24 {
		d.off++
		return major, info, uint64(info), nil
	}
	if info > 27 {
		return 0, 0, 0, d.fail("byte 0x%02x begins no deterministic CBOR", b)
	}
	size := 1 << (info - 24)
	rest := d.data[d.off+1:]
	if len(rest) < size {
		return 0, 0, 0, d.fail("data ends within a value")
	}
	var least uint64
	switch size {
	case 1:
		arg, least = uint64(rest[0]), 24
	case 2:
		arg, least = uint64(binary.BigEndian.Uint16(rest)), 1<<8
	case 4:
		arg, least = uint64(binary.BigEndian.Uint32(rest)), 1<<16
	case 8:
		arg, least = binary.BigEndian.Uint64(rest), 1<<32
	}
	if major != majorOther && arg < least {
		return 0, 0, 0, d.fail("number is not in its shortest form")
	}
	d.off += 1 + size
	return major, info, arg, nil
}

// null consumes a null, if one is next.
func (d *decoder) null() bool {
	if d.off < len(d.data) && d.data[d.off] == cborNull {
		d.off++
		return true
	}
	return false
}

func (d *decoder) of(major byte, what string) (uint64, error) {
	at := d.off
	got, _, arg, err := d.item()
	if err != nil {
		return 0, err
	}
	if got != major {
		d.off = at
		return 0, d.fail("found %s where %s is expected", describeItem(d.data[at]), what)
	}
	return arg, nil
}

func (d *decoder) expect(major byte, n uint64, what string) error {
	got, err := d.of(major, what)
	if err != nil {
		return err
	}
	if got != n {
		return d.fail("found %d items where %s has %d", got, what, n)
	}
	return nil
}

// count reads the head of an array or map. Each item takes at least one byte, which bounds n.
func (d *decoder) count(major byte, what string) (int, error) {
	n, err := d.of(major, what)
	if err != nil {
		return 0, err
	}
	if n > uint64(len(d.data)-d.off) {
		return 0, d.fail("%s claims %d items in %d bytes", what, n, len(d.data)-d.off)
	}
	return int(n), nil
}

func (d *decoder) uint() (uint64, error) { return d.of(majorUint, "an unsigned integer") }

// int returns an integer that fits 64 bits.
func (d *decoder) int() (int64, error) {
	at := d.off
	major, _, arg, err := d.item()
	switch {
	case err != nil:
		return 0, err
	case major != majorUint && major != majorNeg:
		d.off = at
		return 0, d.fail("found %s where an integer is expected", describeItem(d.data[at]))
	case arg > 1<<63-1:
		d.off = at
		return 0, d.fail("integer is out of range")
	case major == majorNeg:
		return ^int64(arg), nil
	}
	return int64(arg), nil
}

// float64 returns the bits of a float of any width.
func (d *decoder) float64() (uint64, error) {
	at := d.off
	major, info, arg, err := d.item()
	if err != nil {
		return 0, err
	}
	var bits uint64
	width := 3
	switch {
	case major == majorOther && info == 25:
		bits = widen32(widen16(uint16(arg)))
	case major == majorOther && info == 26:
		bits, width = widen32(uint32(arg)), 5
	case major == majorOther && info == 27:
		bits, width = arg, 9
	default:
		d.off = at
		return 0, d.fail("found %s where a float is expected", describeItem(d.data[at]))
	}
	var scratch [9]byte
	if len(appendFloat64(scratch[:0], bits)) != width {
		d.off = at
		return 0, d.fail("float is not in its shortest form")
	}
	return bits, nil
}

// bytes returns a byte string within the data.
func (d *decoder) bytes() ([]byte, error) {
	n, err := d.count(majorBytes, "a byte string")
	if err != nil {
		return nil, err
	}
	d.off += n
	return d.data[d.off-n : d.off : d.off], nil
}

// text returns the bytes of a Go string within the data.
func (d *decoder) text() ([]byte, error) {
	if d.off < len(d.data) && d.data[d.off]>>5 == majorTag {
		at := d.off
		if tag, err := d.of(majorTag, "a tag"); err != nil || tag != tagBytes {
			d.off = at
			return nil, d.fail("found %s where a string is expected", describeItem(d.data[at]))
		}
		b, err := d.bytes()
		if err == nil && utf8.Valid(b) {
			err = d.fail("valid UTF-8 in the form of an invalid string")
		}
		return b, err
	}
	n, err := d.count(majorText, "a string")
	if err != nil {
		return nil, err
	}
	b := d.data[d.off : d.off+n : d.off+n]
	if !utf8.Valid(b) {
		return nil, d.fail("string is not valid UTF-8")
	}
	d.off += n
	return b, nil
}

func describeItem(b byte) string {
	switch b >> 5 {
	case majorUint, majorNeg:
		return "an integer"
	case majorBytes:
		return "a byte string"
	case majorText:
		return "a string"
	case majorArray:
		return "a list"
	case majorMap:
		return "a map"
	case majorTag:
		return "a tagged value"
	}
	switch b {
	case cborNull:
		return "null"
	case cborFalse, cborTrue:
		return "a boolean"
	case 0xf9, 0xfa, 0xfb:
		return "a float"
	}
	return "an undefined value"
}

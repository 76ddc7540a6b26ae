package codec

import (
	"io"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/tenon-ml/tenon/component"
)

// CBOR major types, RFC 8949 section 3.1.
const (
	majorUint  = 0
	majorNeg   = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6
	majorOther = 7
)

const (
	cborFalse = 0xf4
	cborTrue  = 0xf5
	cborNull  = 0xf6
)

// Tags.
const (
	tagTime  = 1001    // extended time, RFC 9581
	tagBytes = 7628142 // a byte string that was a Go string which is not valid UTF-8; "ten" in ASCII
)

const (
	// maxDepth bounds the nesting of values, so that a cycle is an error and not the end of the process.
	maxDepth = 10_000
	// flushAt is how much an encoder collects before it writes.
	flushAt = 64 << 10
	// headSize is how much of the start is kept for the preview.
	headSize = 4 << 10
)

// encoder appends deterministic CBOR to buf, and moves it on to w if there is one.
type encoder struct {
	w     io.Writer
	buf   []byte
	start []byte // of what was flushed, for the preview
	depth int
	embed func(Codec, io.Writer, any) error // encodes a value that has a codec of the user's
}

func (e *encoder) flush() error {
	if e.start == nil {
		e.start = append(make([]byte, 0, headSize), e.buf[:min(len(e.buf), headSize)]...)
	}
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

// room is called between items: what was collected leaves when it is enough.
func (e *encoder) room() error {
	if e.w == nil || len(e.buf) < flushAt {
		return nil
	}
	return e.flush()
}

func (e *encoder) enter() error {
	e.depth++
	if e.depth > maxDepth {
		return component.Errorf(component.Invalid, "value is nested deeper than %d levels: it probably contains itself, and a cycle cannot be stored", maxDepth)
	}
	return nil
}

func (e *encoder) head(major byte, n uint64) { e.buf = appendHead(e.buf, major, n) }

func (e *encoder) null() error {
	e.buf = append(e.buf, cborNull)
	return nil
}

func (e *encoder) int(i int64) {
	if i < 0 {
		e.head(majorNeg, uint64(^i))
		return
	}
	e.head(majorUint, uint64(i))
}

func (e *encoder) bytes(b []byte) error {
	e.head(majorBytes, uint64(len(b)))
	return e.raw(b)
}

// text writes a Go string, which may hold any bytes.
func (e *encoder) text(s string) error {
	if utf8.ValidString(s) {
		e.head(majorText, uint64(len(s)))
	} else {
		e.head(majorTag, tagBytes)
		e.head(majorBytes, uint64(len(s)))
	}
	return e.raw(unsafe.Slice(unsafe.StringData(s), len(s))) //nolint:gosec // raw only reads it
}

// raw writes the bytes of a string, large ones without copying them.
func (e *encoder) raw(b []byte) error {
	if e.w == nil || len(b) < flushAt {
		e.buf = append(e.buf, b...)
		return e.room()
	}
	if e.start == nil {
		n := min(len(b), max(0, headSize-len(e.buf)))
		e.buf = append(e.buf, b[:n]...)
		b = b[n:]
	}
	if err := e.flush(); err != nil {
		return err
	}
	_, err := e.w.Write(b)
	return err
}

func appendHead(b []byte, major byte, n uint64) []byte {
	m := major << 5
	switch {
	case n < 24:
		return append(b, m|byte(n))
	case n <= math.MaxUint8:
		return append(b, m|24, byte(n))
	case n <= math.MaxUint16:
		return append(b, m|25, byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		return append(b, m|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, m|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// appendFloat64 appends the shortest form that holds exactly these bits, also those of a NaN.
func appendFloat64(b []byte, bits uint64) []byte {
	if short, ok := narrow64(bits); ok {
		return appendFloat32(b, short)
	}
	return append(b, 0xfb, byte(bits>>56), byte(bits>>48), byte(bits>>40), byte(bits>>32), byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
}

func appendFloat32(b []byte, bits uint32) []byte {
	if half, ok := narrow32(bits); ok {
		return append(b, 0xf9, byte(half>>8), byte(half))
	}
	return append(b, 0xfa, byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
}

// narrow64 and narrow32 work on bits, because hardware conversion changes signalling NaNs.
func narrow64(bits uint64) (uint32, bool) {
	sign, exp, frac := uint32(bits>>32)&0x8000_0000, bits>>52&0x7ff, bits&(1<<52-1)
	if exp == 0x7ff {
		return sign | 0xff<<23 | uint32(frac>>29), frac&(1<<29-1) == 0
	}
	f := math.Float64frombits(bits)
	short := float32(f)
	return math.Float32bits(short), float64(short) == f
}

func narrow32(bits uint32) (uint16, bool) {
	sign, exp, frac := uint16(bits>>16)&0x8000, int(bits>>23&0xff), bits&(1<<23-1)
	switch {
	case exp == 0xff:
		return sign | 0x1f<<10 | uint16(frac>>13), frac&(1<<13-1) == 0
	case exp == 0:
		return sign, frac == 0
	case exp >= 127-14 && exp <= 127+15:
		return sign | uint16(exp-127+15)<<10 | uint16(frac>>13), frac&(1<<13-1) == 0
	case exp >= 127-24 && exp < 127-14:
		shift := 127 - 1 - exp
		full := frac | 1<<23
		return sign | uint16(full>>shift), full&(1<<shift-1) == 0
	}
	return 0, false
}

func widen16(half uint16) uint32 {
	sign, exp, frac := uint32(half&0x8000)<<16, uint32(half>>10&0x1f), uint32(half&0x3ff)
	switch {
	case exp == 0x1f:
		return sign | 0xff<<23 | frac<<13
	case exp != 0:
		return sign | (exp-15+127)<<23 | frac<<13
	}
	return sign | math.Float32bits(float32(frac)/(1<<24))
}

func widen32(bits uint32) uint64 {
	if bits>>23&0xff == 0xff {
		return uint64(bits&0x8000_0000)<<32 | 0x7ff<<52 | uint64(bits&(1<<23-1))<<29
	}
	return math.Float64bits(float64(math.Float32frombits(bits)))
}

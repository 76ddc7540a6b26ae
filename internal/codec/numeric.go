package codec

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"unsafe"

	"github.com/tenon-ml/tenon/component"
)

// The numeric form is a header of eight bytes and then the numbers, little-endian. The header is "num", a version of 1, the
// letter of the kind (i, u, f), the width of a number in bytes, 1 for nil and 0 otherwise, and zero. Int and uint take eight bytes.
const numericHeader = 8

func numericKind(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Uint64 || k == reflect.Float32 || k == reflect.Float64
}

func numericCodec(t reflect.Type) (Codec, bool) {
	kind := t.Elem().Kind()
	if !numericKind(kind) {
		return Codec{}, false
	}
	switch t.Elem().Size() {
	case 1:
		return numbers[uint8](t), true
	case 2:
		return numbers[uint16](t), true
	case 4:
		if kind == reflect.Int || kind == reflect.Uint {
			return Codec{}, false // a 32-bit platform: CBOR is exact too
		}
		return numbers[uint32](t), true
	}
	return numbers[uint64](t), true
}

// numbers is the codec of slices of type t, whose elements have the size of W.
func numbers[W uint8 | uint16 | uint32 | uint64](t reflect.Type) Codec {
	n := numeric[W]{t: t, kind: t.Elem().Kind(), width: int(t.Elem().Size())}
	letter := byte('i')
	switch {
	case n.kind == reflect.Float32 || n.kind == reflect.Float64:
		letter = 'f'
	case n.kind >= reflect.Uint:
		letter = 'u'
	}
	n.head = [numericHeader]byte{'n', 'u', 'm', 1, letter, byte(n.width)}
	return Codec{Name: "numeric", Version: 1, Type: t, Encode: n.encode, Decode: n.decode}
}

type numeric[W uint8 | uint16 | uint32 | uint64] struct {
	t     reflect.Type
	kind  reflect.Kind // of the elements
	width int          // bytes of an element
	head  [numericHeader]byte
}

// view looks at the slice as words of its elements' size.
func (n numeric[W]) view(v reflect.Value) []W {
	return unsafe.Slice((*W)(v.UnsafePointer()), v.Len()) //nolint:gosec // of that size
}

func (n numeric[W]) encode(_ context.Context, w io.Writer, v any) (Info, error) {
	rv, err := valueOf(n.t, v)
	if err != nil {
		return Info{}, err
	}
	head := n.head
	if rv.IsNil() {
		head[6] = 1
	}
	if _, err := w.Write(head[:]); err != nil {
		return Info{}, err
	}
	span := newSpan(n.kind)
	var swapped []byte
	for rest := n.view(rv); len(rest) > 0; {
		part := rest[:min(len(rest), 32<<10)] // stays in the processor's cache between span and write
		rest = rest[len(part):]
		addWords(span, n.kind, part)
		if _, err := w.Write(littleEndian(part, &swapped)); err != nil {
			return Info{}, err
		}
	}
	meta := map[string]any{"length": rv.Len()}
	span.describe(meta)
	return Info{Meta: meta, Preview: previewNumbers(rv)}, nil
}

func (n numeric[W]) decode(ctx context.Context, c Content) (any, error) {
	r, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var head [numericHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, ended(err)
	}
	want := n.head
	isNil := head[6] == 1
	if isNil {
		want[6] = 1
	}
	if head != want {
		return nil, component.Errorf(component.Corrupt, "numeric data does not hold elements of %s", n.t.Elem())
	}
	size := c.Size() - numericHeader
	if size < 0 || size%int64(n.width) != 0 || isNil && size != 0 {
		return nil, component.Errorf(component.Corrupt, "numeric data of %d bytes does not hold whole elements of %d bytes", size, n.width)
	}
	v := reflect.New(n.t).Elem()
	if isNil {
		return v.Interface(), drain(r)
	}
	v.Set(reflect.MakeSlice(n.t, 0, 0))
	total := int(size / int64(n.width))
	for have := 0; have < total; {
		// The size is trusted a step at a time, so that a lie costs no more than twice what arrived.
		next := min(total, max(2*have, 64<<20/n.width))
		v.Grow(next - have)
		v.SetLen(next)
		words := n.view(v)[have:next]
		if _, err := io.ReadFull(r, bytesOf(words)); err != nil {
			return nil, ended(err)
		}
		fromLittleEndian(words)
		have = next
	}
	return v.Interface(), drain(r)
}

// drain reads to the end, where the digest is verified.
func drain(r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	if err == nil && n > 0 {
		err = component.Errorf(component.Corrupt, "%d bytes after the end of the value", n)
	}
	return err
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return component.Errorf(component.Corrupt, "data ends within a value")
	}
	return err
}

// bytesOf looks at words as their bytes in memory.
func bytesOf[W uint8 | uint16 | uint32 | uint64](words []W) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*int(unsafe.Sizeof(words[0]))) //nolint:gosec // any word is bytes
}

func nativeLittle() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// littleEndian returns the bytes of words: in place if the machine is little-endian, else in scratch.
func littleEndian[W uint8 | uint16 | uint32 | uint64](words []W, scratch *[]byte) []byte {
	if nativeLittle() {
		return bytesOf(words)
	}
	b, _ := binary.Append((*scratch)[:0], binary.LittleEndian, words)
	*scratch = b
	return b
}

func fromLittleEndian[W uint8 | uint16 | uint32 | uint64](words []W) {
	if nativeLittle() {
		return
	}
	_, _ = binary.Decode(bytes.Clone(bytesOf(words)), binary.LittleEndian, words)
}

func addWords[W uint8 | uint16 | uint32 | uint64](s *span, kind reflect.Kind, words []W) {
	switch kind {
	case reflect.Float64:
		for _, w := range words {
			s.float(math.Float64frombits(uint64(w)))
		}
	case reflect.Float32:
		for _, w := range words {
			s.float(float64(math.Float32frombits(uint32(w))))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		shift := 64 - 8*int(unsafe.Sizeof(words[0]))
		for _, w := range words {
			s.int(int64(uint64(w)<<shift) >> shift)
		}
	default:
		for _, w := range words {
			s.uint(uint64(w))
		}
	}
}

package codec

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// thriftWalk walks a struct in Thrift's compact protocol, the form of Parquet's headers, to see that it holds what it claims: the Parquet library
// makes room for lengths, and counts to them, before it looks whether there are so many bytes.
type thriftWalk struct {
	r     *bufio.Reader
	n     int64 // bytes so far
	limit int64
}

var errThrift = errors.New("malformed header")

const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftInt16  = 4
	thriftInt32  = 5
	thriftInt64  = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13

	thriftDepth = 32
)

// ReadByte counts.
func (w *thriftWalk) ReadByte() (byte, error) {
	if w.n >= w.limit {
		return 0, io.ErrUnexpectedEOF
	}
	w.n++
	return w.r.ReadByte()
}

func (w *thriftWalk) skip(n int64) error {
	if n > w.limit-w.n {
		return io.ErrUnexpectedEOF
	}
	w.n += n
	_, err := w.r.Discard(int(n))
	return err
}

// length reads a length or count, of which each takes a byte at least.
func (w *thriftWalk) length() (int64, error) {
	u, err := binary.ReadUvarint(w)
	if err == nil && u > uint64(w.limit-w.n) {
		err = io.ErrUnexpectedEOF
	}
	return int64(u), err
}

func (w *thriftWalk) structure(depth int) error {
	if depth > thriftDepth {
		return errThrift
	}
	for {
		b, err := w.ReadByte()
		if err != nil || b == 0 {
			return err
		}
		if b>>4 == 0 { // the field's number is not in the byte
			if _, err := binary.ReadUvarint(w); err != nil {
				return err
			}
		}
		if t := b & 15; t != thriftTrue && t != thriftFalse {
			if err := w.value(t, depth+1); err != nil {
				return err
			}
		}
	}
}

func (w *thriftWalk) value(t byte, depth int) error {
	switch t {
	case thriftTrue, thriftFalse, thriftByte:
		return w.skip(1)
	case thriftInt16, thriftInt32, thriftInt64:
		_, err := binary.ReadUvarint(w)
		return err
	case thriftDouble:
		return w.skip(8)
	case thriftUUID:
		return w.skip(16)
	case thriftBinary:
		n, err := w.length()
		if err != nil {
			return err
		}
		return w.skip(n)
	case thriftStruct:
		return w.structure(depth)
	case thriftList, thriftSet, thriftMap:
		return w.container(t, depth)
	}
	return errThrift
}

func (w *thriftWalk) container(t byte, depth int) error {
	if depth > thriftDepth {
		return errThrift
	}
	var types []byte
	var n int64
	if t != thriftMap {
		b, err := w.ReadByte()
		if err != nil {
			return err
		}
		n, types = int64(b>>4), []byte{b & 15}
		if n == 15 {
			if n, err = w.length(); err != nil {
				return err
			}
		}
	} else {
		var err error
		if n, err = w.length(); err != nil || n == 0 {
			return err
		}
		b, err := w.ReadByte()
		if err != nil {
			return err
		}
		types = []byte{b >> 4, b & 15}
	}
	for range n {
		for _, t := range types {
			if err := w.value(t, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

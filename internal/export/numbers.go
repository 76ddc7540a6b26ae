package export

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
)

// numbers reads what the codec of numeric slices wrote: a header of "num", the version 1, the letter i, u or f, the bytes of a number, whether the slice
// is nil, and 0; then the numbers, little-endian.
type numbers struct {
	r      io.ReadCloser
	letter byte
	width  int
	isNil  bool
}

func openNumbers(ctx context.Context, c codec.Content) (*numbers, error) {
	r, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	n := &numbers{r: r}
	if err := n.header(c.Size()); err != nil {
		r.Close()
		return nil, err
	}
	return n, nil
}

func (n *numbers) header(size int64) error {
	var head [8]byte
	if _, err := io.ReadFull(n.r, head[:]); err != nil {
		return ended(err)
	}
	n.letter, n.width, n.isNil = head[4], int(head[5]), head[6] == 1
	known := n.letter == 'i' || n.letter == 'u' || n.letter == 'f' && n.width >= 4
	switch {
	case string(head[:4]) != "num\x01" || !known || head[6] > 1 || head[7] != 0,
		n.width != 1 && n.width != 2 && n.width != 4 && n.width != 8:
		return component.Errorf(component.Corrupt, "content does not begin like numbers")
	case (size-int64(len(head)))%int64(n.width) != 0, n.isNil && size != int64(len(head)):
		return component.Errorf(component.Corrupt, "numbers of %d bytes are not whole numbers of %d", size-int64(len(head)), n.width)
	}
	return nil
}

// each calls yield for each number until there are no more, and the content has proved to be what was stored.
func (n *numbers) each(ctx context.Context, yield func(bits uint64) error) error {
	buf := make([]byte, 32<<10)
	for {
		got, err := io.ReadFull(n.r, buf)
		for at := 0; at+n.width <= got; at += n.width {
			if err := yield(word(buf[at : at+n.width])); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF && got%n.width == 0:
			return nil
		case err != nil:
			return ended(err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

func word(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// append appends a number. A float that is none is in quotes if asked for.
func (n *numbers) append(out []byte, bits uint64, quote bool) []byte {
	switch n.letter {
	case 'i':
		unused := 64 - 8*n.width
		return strconv.AppendInt(out, int64(bits<<unused)>>unused, 10)
	case 'u':
		return strconv.AppendUint(out, bits, 10)
	}
	f := math.Float64frombits(bits)
	if n.width == 4 {
		f = float64(math.Float32frombits(uint32(bits)))
	}
	if name, ok := jsonfloat.Name(f); ok && !quote {
		return append(out, name...)
	}
	return codec.AppendJSONFloat(out, f, 8*n.width)
}

// numbersCSV writes one column.
func numbersCSV(ctx context.Context, w io.Writer, c codec.Content) error {
	n, err := openNumbers(ctx, c)
	if err != nil {
		return err
	}
	defer n.r.Close()
	line := []byte("value\n")
	if _, err := w.Write(line); err != nil {
		return err
	}
	return n.each(ctx, func(bits uint64) error {
		line = append(n.append(line[:0], bits, false), '\n')
		_, err := w.Write(line)
		return err
	})
}

// NumbersText writes content of the kind Numbers for people to read: as [Convert] does as JSON, with a space behind each comma.
func NumbersText(ctx context.Context, w io.Writer, c codec.Content) error {
	out := bufio.NewWriter(w)
	if err := numbersJSON(ctx, out, c, ", "); err != nil {
		return err
	}
	return out.Flush()
}

// numbersJSON writes a list, or null for a nil slice.
func numbersJSON(ctx context.Context, w io.Writer, c codec.Content, separator string) error {
	n, err := openNumbers(ctx, c)
	if err != nil {
		return err
	}
	defer n.r.Close()
	if n.isNil {
		_, err := io.WriteString(w, "null\n")
		return err
	}
	text := []byte{'['}
	err = n.each(ctx, func(bits uint64) error {
		text = n.append(text, bits, true)
		_, err := w.Write(text)
		text = append(text[:0], separator...)
		return err
	})
	if err != nil {
		return err
	}
	if text[0] == '[' { // nothing was written
		_, err = io.WriteString(w, "[]\n")
		return err
	}
	_, err = io.WriteString(w, "]\n")
	return err
}

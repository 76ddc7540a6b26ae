package export

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// MaxValue is the size in bytes up to which a value is turned into JSON: it is in memory meanwhile.
const MaxValue = 256 << 20

// Convert writes content of a kind in a form that is not Raw. What was written before an error is of no use. The error of a form that the
// kind has not got has the code Invalid and says which forms there are; that of damaged content is Corrupt, that of a value larger than MaxValue
// Exhausted.
func Convert(ctx context.Context, w io.Writer, c codec.Content, k Kind, f Form) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var err error
	switch {
	case k == Rows && f == CSV:
		err = rowsCSV(ctx, out, c)
	case k == Rows && f == JSON:
		err = rowsJSON(ctx, out, c)
	case k == Numbers && f == CSV:
		err = numbersCSV(ctx, out, c)
	case k == Numbers && f == JSON:
		err = numbersJSON(ctx, out, c, ",")
	case k == Value && f == JSON:
		err = valueJSON(ctx, out, c)
	default:
		names := make([]string, 0, 3)
		for _, f := range k.Forms() {
			names = append(names, string(f))
		}
		return component.Errorf(component.Invalid, "it cannot be written as %s: it can as %s", f, strings.Join(names, ", "))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func rowsCSV(ctx context.Context, w io.Writer, c codec.Content) error {
	t, err := OpenTable(ctx, c)
	if err != nil {
		return err
	}
	defer t.Close()
	out := csv.NewWriter(w)
	line := make([]string, len(t.columns))
	for i, column := range t.columns {
		line[i] = column.Name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for row, err := range t.Rows(ctx) {
		if err != nil {
			return err
		}
		for i := range line {
			line[i] = row.Cell(i).Text()
		}
		if len(line) == 1 && line[0] == "" { // an empty line would be no row
			out.Flush()
			if _, err := io.WriteString(w, "\"\"\n"); err != nil {
				return err
			}
			continue
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func rowsJSON(ctx context.Context, w io.Writer, c codec.Content) error {
	t, err := OpenTable(ctx, c)
	if err != nil {
		return err
	}
	defer t.Close()
	keys := make([][]byte, len(t.columns))
	for i, column := range t.columns {
		keys[i] = append(codec.AppendJSONString([]byte{','}, strings.ToValidUTF8(column.Name, "\ufffd")), ':')
	}
	keys[0][0] = '{'
	var line []byte
	for row, err := range t.Rows(ctx) {
		if err != nil {
			return err
		}
		line = line[:0]
		for i, key := range keys {
			line = row.Cell(i).appendJSON(append(line, key...))
		}
		if _, err := w.Write(append(line, '}', '\n')); err != nil {
			return err
		}
	}
	return nil
}

// valueJSON writes a value in the form of the graph's parameters, which is exact given the type.
func valueJSON(ctx context.Context, w io.Writer, c codec.Content) error {
	data, err := ValueJSON(ctx, c)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// ValueJSON returns content of the kind Value as JSON, in one line. The codes of errors are those of [Convert].
func ValueJSON(ctx context.Context, c codec.Content) ([]byte, error) {
	if c.Size() > MaxValue {
		return nil, component.Errorf(component.Exhausted, "a value of %d MiB is not turned into JSON, which takes memory: at most %d MiB are; write it as raw", c.Size()>>20, MaxValue>>20)
	}
	r, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, c.Size()+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > c.Size() {
		return nil, component.Errorf(component.Corrupt, "content is longer than the %d bytes that its record says", c.Size())
	}
	text, err := codec.CanonicalJSON(data)
	if err != nil {
		return nil, component.Errorf(component.Corrupt, "content is no value: %w", err)
	}
	return text, nil
}

// ended explains content that ends too early.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return component.Errorf(component.Corrupt, "content ends within a value")
	}
	return err
}

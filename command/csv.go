package command

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/internal/codec"
)

// csvBatch is how many rows are handed on at once.
const csvBatch = 2048

// csvToParquet reads rows as package export writes them: RFC 4180 with a header that names each column once, in any order. An empty field is
// null, or an empty string. The error names the line and the column.
func csvToParquet(w io.Writer, r io.Reader, layout *codec.Rows) error {
	in := csv.NewReader(bufio.NewReaderSize(r, 64<<10))
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty: the first line names the columns")
	}
	if err != nil {
		return err
	}
	fields, err := csvFields(header, layout)
	if err != nil {
		return err
	}
	out := codec.NewRowWriter(w, layout)
	batch := reflect.MakeSlice(reflect.SliceOf(layout.Type()), csvBatch, csvBatch)
	n := 0
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err // names the line
		}
		row := batch.Index(n)
		row.SetZero()
		for i, text := range record {
			if err := setCell(row.Field(fields[i]), text); err != nil {
				line, _ := in.FieldPos(i)
				name, _ := layout.Column(fields[i])
				return fmt.Errorf("line %d, column %q: %w", line, name, err)
			}
		}
		if n++; n == csvBatch {
			if err := out.Write(batch); err != nil {
				return err
			}
			n = 0
		}
	}
	if err := out.Write(batch.Slice(0, n)); err != nil {
		return err
	}
	_, err = out.Close(false)
	return err
}

// csvFields returns the field of each column of a header.
func csvFields(header []string, layout *codec.Rows) ([]int, error) {
	columns := make([]string, layout.Type().NumField())
	for i := range columns {
		columns[i], _ = layout.Column(i)
	}
	fields := make([]int, len(header))
	for i, name := range header {
		fields[i] = slices.Index(columns, name)
		switch {
		case fields[i] < 0:
			return nil, fmt.Errorf("there is no field for column %.60q: want %s", name, strings.Join(columns, ", "))
		case slices.Contains(fields[:i], fields[i]):
			return nil, fmt.Errorf("column %q comes twice", name)
		}
	}
	for i, name := range columns {
		if !slices.Contains(fields, i) {
			return nil, fmt.Errorf("column %q is missing", name)
		}
	}
	return fields, nil
}

// setCell sets a field of a row, which is zero.
func setCell(dst reflect.Value, text string) error {
	if dst.Kind() == reflect.Pointer {
		if text == "" {
			return nil
		}
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	err := parseCell(dst, text)
	if n := (*strconv.NumError)(nil); errors.As(err, &n) {
		err = fmt.Errorf("%.60q is no %v: %w", text, dst.Type(), n.Err)
	}
	return err
}

func parseCell(dst reflect.Value, text string) error {
	if at, ok := dst.Addr().Interface().(*time.Time); ok {
		t, err := time.Parse(time.RFC3339Nano, text)
		*at = t
		return err
	}
	switch k := dst.Kind(); {
	case k == reflect.String:
		if !utf8.ValidString(text) {
			return fmt.Errorf("%.60q is not UTF-8", text)
		}
		dst.SetString(strings.Clone(text))
	case k == reflect.Bool:
		b, err := strconv.ParseBool(text)
		dst.SetBool(b)
		return err
	case dst.CanInt():
		n, err := strconv.ParseInt(text, 10, dst.Type().Bits())
		dst.SetInt(n)
		return err
	case dst.CanUint():
		n, err := strconv.ParseUint(text, 10, dst.Type().Bits())
		dst.SetUint(n)
		return err
	case dst.CanFloat():
		f, err := strconv.ParseFloat(text, dst.Type().Bits())
		dst.SetFloat(f)
		return err
	case text != "": // []byte; nil is null
		b, err := base64.StdEncoding.DecodeString(text)
		dst.SetBytes(b)
		return err
	}
	return nil
}

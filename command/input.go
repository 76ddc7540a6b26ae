package command

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/export"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/step"
)

// input returns the path of an input in the form that a placeholder asks for, or its value.
func (j *job) input(ctx context.Context, p part, f field, v reflect.Value) (string, error) {
	if f.kind == kindSource {
		return v.Interface().(artifact.Source).Path(ctx)
	}
	h := *v.Addr().Interface().(ref.Holder).TenonRef(ref.Access{}).Handle
	if h == nil || !h.Set {
		return "", unfit(errors.New("the Ref has no value: make it with artifact.New"))
	}
	as := f.forms[0]
	if p.suffix != "" {
		as = form(p.suffix)
	}
	switch as {
	case formFile:
		return string(h.Value.(artifact.File)), nil
	case formDir:
		return string(h.Value.(artifact.Dir)), nil
	case formValue:
		text, err := valueText(reflect.ValueOf(h.Value))
		return text, unfit(err)
	}
	path := j.path("in", p.name+as.extension())
	return path, create(path, 0o600, func(w io.Writer) error { return j.write(ctx, w, as, f.typ, h.Value) })
}

// write writes a value.
func (j *job) write(ctx context.Context, w io.Writer, as form, t reflect.Type, value any) error {
	if as == formJSON {
		data, err := json.Marshal(value)
		if err != nil {
			return unfit(fmt.Errorf("write it as JSON: %w", err))
		}
		_, err = w.Write(append(data, '\n'))
		return err
	}
	c, err := codec.For(t, nil)
	if err != nil {
		return unfit(err)
	}
	if as != formCSV {
		_, err := c.Encode(ctx, w, value)
		return err
	}
	// By way of Parquet, which knows the columns of every kind of rows.
	rows := j.path("rows.parquet")
	defer os.Remove(rows)
	if err := create(rows, 0o600, func(w io.Writer) error {
		_, err := c.Encode(ctx, w, value)
		return err
	}); err != nil {
		return err
	}
	content, err := j.content(rows)
	if err != nil {
		return err
	}
	return export.Convert(ctx, w, content, export.Rows, export.CSV)
}

// unfit marks that a value cannot be written: another attempt has the same one.
func unfit(err error) error {
	if err == nil {
		return nil
	}
	return step.Permanent(component.Errorf(component.Invalid, "%w", err))
}

// create writes a new file.
func create(path string, mode os.FileMode, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	err = write(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// valueText is a value as an argument: a string as it is, what marshals itself as text as that text, everything else as JSON.
func valueText(v reflect.Value) (string, error) {
	if v.Kind() != reflect.Pointer || !v.IsNil() {
		if m, ok := v.Interface().(encoding.TextMarshaler); ok {
			text, err := m.MarshalText()
			return string(text), err
		}
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Float32, reflect.Float64: // also NaN
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()), nil
	}
	text, err := json.Marshal(v.Interface())
	return string(text), err
}

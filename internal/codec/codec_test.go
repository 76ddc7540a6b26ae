package codec

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update accepts it:\n%s", path, diff)
	}
}

// stored is what a value became.
type stored struct {
	data []byte
	info Info
}

func (s stored) Open(context.Context) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.data)), nil
}
func (s stored) Size() int64              { return int64(len(s.data)) }
func (s stored) Version() int             { return 1 }
func (s stored) Meta() map[string]any     { return s.info.Meta }
func (s stored) TempDir() (string, error) { return "nowhere", nil }

// tb is what *testing.T, *testing.B and *rapid.T share.
type tb interface {
	Helper()
	Context() context.Context
	Fatal(...any)
	Fatalf(string, ...any)
	Skipf(string, ...any)
}

func codecFor[T any](t tb, user ...Codec) Codec {
	t.Helper()
	c, err := For(reflect.TypeFor[T](), user)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func encode(t tb, c Codec, v any) stored {
	t.Helper()
	var b bytes.Buffer
	info, err := c.Encode(t.Context(), &b, v)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return stored{data: b.Bytes(), info: info}
}

func decode(t tb, c Codec, s stored) any {
	t.Helper()
	v, err := c.Decode(t.Context(), s)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	return v
}

// trip stores v and reads it back, which must give an equal value that is stored as the same bytes.
func trip[T any](t tb, v T, user ...Codec) stored {
	t.Helper()
	c := codecFor[T](t, user...)
	s := encode(t, c, v)
	got, ok := decode(t, c, s).(T)
	if !ok && any(v) != nil {
		t.Fatalf("%s: got another type", c.ID())
	}
	if err := same(reflect.ValueOf(&v).Elem(), reflect.ValueOf(&got).Elem()); err != nil {
		t.Fatalf("%s: %v\nwrote %#v\nread  %#v", c.ID(), err, v, got)
	}
	if again := encode(t, c, got); !bytes.Equal(again.data, s.data) {
		t.Fatalf("%s: the value that was read is stored as other bytes\n%x\n%x", c.ID(), s.data, again.data)
	}
	return s
}

var errDiffers = errors.New("differs")

// same is the tests' own judgement of equality: bits of floats, nil against empty, instants with their zones; everything else as
// reflect.DeepEqual.
func same(a, b reflect.Value) error {
	at := func(step string, err error) error {
		if err != nil {
			return within(step, err)
		}
		return nil
	}
	if x, ok := a.Interface().(time.Time); ok {
		y := b.Interface().(time.Time)
		xName, xOff := x.Zone()
		yName, yOff := y.Zone()
		if !x.Equal(y) || xName != yName || xOff != yOff || x.Location().String() != y.Location().String() {
			return errDiffers
		}
		return nil
	}
	ok := true
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		ok = math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	case reflect.Complex64, reflect.Complex128:
		x, y := a.Complex(), b.Complex()
		ok = math.Float64bits(real(x)) == math.Float64bits(real(y)) && math.Float64bits(imag(x)) == math.Float64bits(imag(y))
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			ok = a.IsNil() == b.IsNil()
			break
		}
		return at("*", same(a.Elem(), b.Elem()))
	case reflect.Slice, reflect.Array:
		if a.Kind() == reflect.Slice && a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return errDiffers
		}
		for i := range a.Len() {
			if err := same(a.Index(i), b.Index(i)); err != nil {
				return at(indexStep(i), err)
			}
		}
	case reflect.Map:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return errDiffers
		}
		for it := a.MapRange(); it.Next(); {
			v := b.MapIndex(it.Key())
			if !v.IsValid() {
				return at(fmt.Sprintf("[%v]", it.Key()), errDiffers)
			}
			if err := same(it.Value(), v); err != nil {
				return at(fmt.Sprintf("[%v]", it.Key()), err)
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if !a.Type().Field(i).IsExported() {
				ok = reflect.DeepEqual(a.Interface(), b.Interface()) // opaque
				break
			}
			if err := same(a.Field(i), b.Field(i)); err != nil {
				return at("."+a.Type().Field(i).Name, err)
			}
		}
	default:
		ok = reflect.DeepEqual(a.Interface(), b.Interface())
	}
	if !ok {
		return errDiffers
	}
	return nil
}

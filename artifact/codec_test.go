package artifact_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// celsius is a type with a codec of the test's own.
type celsius struct{ degrees float64 }

func celsiusCodec() artifact.Codec[celsius] {
	return artifact.Codec[celsius]{
		Name:    "test/celsius",
		Version: 1,
		Encode:  func(w io.Writer, v celsius) error { _, err := fmt.Fprintf(w, "%g °C", v.degrees); return err },
		Decode: func(r io.Reader) (v celsius, err error) {
			_, err = fmt.Fscanf(r, "%g °C", &v.degrees)
			return v, err
		},
		Describe: func(v celsius) (map[string]any, string) {
			return map[string]any{"degrees": v.degrees}, fmt.Sprint(v.degrees, " degrees")
		},
	}
}

func erase[T any](t *testing.T, c artifact.Codec[T]) codec.Codec {
	t.Helper()
	var anyCodec artifact.AnyCodec = c
	erased, err := anyCodec.TenonAnyCodec(ref.Access{})
	if err != nil {
		t.Fatal(err)
	}
	return erased
}

func TestCodec(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	c := erase(t, celsiusCodec())
	if c.ID() != "test/celsius/1" || c.Type != reflect.TypeFor[celsius]() {
		t.Errorf("codec %s of %v", c.ID(), c.Type)
	}
	rec, err := transfer.Save(t.Context(), s, c, "test/celsius", celsius{-40})
	if err != nil {
		t.Fatal(err)
	}
	if string(rec.Inline) != "-40 °C" || rec.Preview != "-40 degrees" || !cmp.Equal(rec.Meta, map[string]any{"degrees": -40.0}) {
		t.Errorf("recorded %+v", rec)
	}
	if got, err := transfer.Load(t.Context(), s, c, rec, nil); err != nil || got != (celsius{-40}) {
		t.Errorf("came back as %v, %v", got, err)
	}
}

func TestCodecMistakes(t *testing.T) {
	t.Parallel()
	fine := celsiusCodec()
	for want, change := range map[string]func(*artifact.Codec[celsius]){
		`a name is made of a-z, 0-9, ".", "_", "/" and "-", such as "acme/dense"`:             func(c *artifact.Codec[celsius]) { c.Name = "" },
		`codec "Test Celsius" for artifact_test.celsius: a name is made of`:                   func(c *artifact.Codec[celsius]) { c.Name = "Test Celsius" },
		`the name belongs to a built-in codec: put your own in front, such as "acme/parquet"`: func(c *artifact.Codec[celsius]) { c.Name = "parquet" },
		`version 0: versions start at 1`:                                                      func(c *artifact.Codec[celsius]) { c.Version = 0 },
		`version -1: versions start at 1`:                                                     func(c *artifact.Codec[celsius]) { c.Version = -1 },
		`Encode and Decode must both be set`:                                                  func(c *artifact.Codec[celsius]) { c.Encode = nil },
		`: Encode and Decode must both be`:                                                    func(c *artifact.Codec[celsius]) { c.Decode = nil },
	} {
		c := fine
		change(&c)
		if _, err := c.TenonAnyCodec(ref.Access{}); !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// What a user's functions do wrong is an error that names the codec.
func TestCodecFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("sensor is broken")
	for name, test := range map[string]struct {
		change func(*artifact.Codec[celsius])
		is     error
		want   string
	}{
		"encode":        {func(c *artifact.Codec[celsius]) { c.Encode = func(io.Writer, celsius) error { return broken } }, broken, `codec "test/celsius": encode: sensor is broken`},
		"encode panics": {func(c *artifact.Codec[celsius]) { c.Encode = func(io.Writer, celsius) error { panic("boom") } }, nil, `codec "test/celsius": Encode panicked: boom`},
		"decode": {func(c *artifact.Codec[celsius]) {
			c.Decode = func(io.Reader) (celsius, error) { return celsius{}, broken }
		}, broken, `codec "test/celsius": decode: sensor is broken`},
		"decode panics": {func(c *artifact.Codec[celsius]) { c.Decode = func(io.Reader) (celsius, error) { panic("boom") } }, nil, `codec "test/celsius": Decode panicked: boom`},
		"describe": {func(c *artifact.Codec[celsius]) {
			c.Describe = func(celsius) (map[string]any, string) { return map[string]any{"min": math.NaN()}, "" }
		}, nil, "metadata is not JSON"},
		"describe panic": {func(c *artifact.Codec[celsius]) {
			c.Describe = func(celsius) (map[string]any, string) { panic("boom") }
		}, nil, "panicked: boom"},
	} {
		s := newStore(t)
		user := celsiusCodec()
		test.change(&user)
		c := erase(t, user)
		rec, err := transfer.Save(t.Context(), s, c, "", celsius{1})
		if err == nil {
			_, err = transfer.Load(t.Context(), s, c, rec, nil)
		}
		if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// Damaged bytes explain whatever a user's Decode makes of them.
func TestCodecDamaged(t *testing.T) {
	t.Parallel()
	c := erase(t, celsiusCodec())
	for _, content := range []string{"-41 °C", "hot", ""} {
		rec := inline(c.ID(), []byte("-40 °C"), nil)
		rec.Inline = nil
		store := damaged{content: []byte(content)}
		if _, err := transfer.Load(t.Context(), store, c, rec, nil); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), string(rec.Digest)) {
			t.Errorf("%q: got %v, want Corrupt", content, err)
		}
	}
}

// A preview is cut, and nothing in it can move a terminal's cursor.
func TestCodecDescribe(t *testing.T) {
	t.Parallel()
	user := celsiusCodec()
	user.Describe = func(celsius) (map[string]any, string) {
		return map[string]any{"list": []int{1}, "nested": map[string]string{"a": "b"}}, "\x1b[2J" + strings.Repeat("x", 1<<20)
	}
	var w bytes.Buffer
	info, err := erase(t, user).Encode(t.Context(), &w, celsius{1})
	if err != nil || len(info.Preview) > artifact.PreviewLimit || strings.Contains(info.Preview, "\x1b") {
		t.Errorf("preview of %d bytes, %v", len(info.Preview), err)
	}
	if diff := cmp.Diff(map[string]any{"list": []any{1.0}, "nested": map[string]any{"a": "b"}}, info.Meta); diff != "" {
		t.Error(diff)
	}
}

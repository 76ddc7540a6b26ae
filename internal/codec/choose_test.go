package codec

import (
	"context"
	"fmt"
	"image"
	"io"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tenon-ml/tenon/component"
)

type (
	flat struct {
		Name  string
		Mass  *float64 `parquet:"mass_g"`
		Seen  time.Time
		Photo []byte
	}
	nested struct {
		Tags []string
		In   struct{ X, Y int }
	}
	tree struct {
		Name     string
		Children []tree
	}
	named  []float32
	id     [16]byte
	ids    map[id]flat
	inner  struct{ A int }
	outer  struct{ Inner }
	Inner  struct{ B string }
	dotted struct {
		_ [0]func()
		A int
	}
	level uint8
)

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "L%d", uint8(l)), nil }
func (l *level) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "L%d", (*uint8)(l))
	return err
}

// TestChoice shows which codec each type gets, and its structural name.
func TestChoice(t *testing.T) {
	t.Parallel()
	types := []reflect.Type{
		reflect.TypeFor[[]byte](), reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[float64](),
		reflect.TypeFor[[]float64](), reflect.TypeFor[[]float32](), reflect.TypeFor[named](), reflect.TypeFor[[]int8](), reflect.TypeFor[[]time.Duration](),
		reflect.TypeFor[[]bool](), reflect.TypeFor[[]string](), reflect.TypeFor[[][]float64](), reflect.TypeFor[[3]float64](), reflect.TypeFor[[]complex64](),
		reflect.TypeFor[[]flat](), reflect.TypeFor[flat](), reflect.TypeFor[[]*flat](), reflect.TypeFor[[]nested](), reflect.TypeFor[[]outer](),
		reflect.TypeFor[tree](), reflect.TypeFor[*tree](), reflect.TypeFor[ids](), reflect.TypeFor[map[string][]int](), reflect.TypeFor[struct{}](), reflect.TypeFor[[]struct{}](),
		reflect.TypeFor[time.Time](), reflect.TypeFor[[]time.Time](), reflect.TypeFor[big.Int](), reflect.TypeFor[*big.Int](), reflect.TypeFor[big.Float](),
		reflect.TypeFor[netip.Addr](), reflect.TypeFor[url.URL](), reflect.TypeFor[net.IP](), reflect.TypeFor[level](), reflect.TypeFor[[]level](),
		reflect.TypeFor[image.Image](), reflect.TypeFor[*image.Gray](), reflect.TypeFor[*image.RGBA](), reflect.TypeFor[dotted](),
	}
	var b strings.Builder
	for _, typ := range types {
		c, err := For(typ, nil)
		if err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if c.Type != typ || c.Encode == nil || c.Decode == nil {
			t.Errorf("%s: incomplete codec %+v", typ, c)
		}
		fmt.Fprintf(&b, "%-28s %-17s %s\n", strings.ReplaceAll(typ.String(), "codec.", ""), c.ID(), TypeString(typ, nil))
	}
	golden(t, "choice.txt", b.String())
}

func userCodec[T any](name string) Codec {
	return Codec{
		Name: name, Version: 2, Type: reflect.TypeFor[T](),
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			_, err := fmt.Fprintf(w, "%v", v)
			return Info{}, err
		},
		Decode: func(ctx context.Context, c Content) (any, error) {
			var v T
			r, err := c.Open(ctx)
			if err == nil {
				_, err = fmt.Fscan(r, &v)
			}
			return v, err
		},
	}
}

type celsius float64

func TestUsersCodecComesFirst(t *testing.T) {
	t.Parallel()
	user := []Codec{userCodec[celsius]("acme/celsius"), userCodec[string]("acme/string"), userCodec[big.Int]("acme/int")}
	for _, tc := range []struct {
		t    reflect.Type
		id   string
		text string
	}{
		{reflect.TypeFor[celsius](), "acme/celsius/2", "acme/celsius"},
		{reflect.TypeFor[string](), "acme/string/2", "acme/string"},
		{reflect.TypeFor[big.Int](), "acme/int/2", "acme/int"},
		{reflect.TypeFor[[]celsius](), "cbor/1", "[]acme/celsius"},                       // not numeric
		{reflect.TypeFor[[]struct{ T celsius }](), "cbor/1", "[]struct{T acme/celsius}"}, // not Parquet
		{reflect.TypeFor[float64](), "cbor/1", "float64"},
	} {
		c, err := For(tc.t, user)
		if err != nil {
			t.Fatal(err)
		}
		if c.ID() != tc.id || TypeString(tc.t, user) != tc.text {
			t.Errorf("%s: codec %s, type %s", tc.t, c.ID(), TypeString(tc.t, user))
		}
	}
}

func TestUsersCodecWithinAnotherValue(t *testing.T) {
	t.Parallel()
	type reading struct {
		At    time.Time
		Now   celsius
		Trend []celsius
		Max   *celsius
		By    map[string]celsius
	}
	user := []Codec{userCodec[celsius]("acme/celsius")}
	limit := celsius(40)
	trip(t, reading{Now: 21.5, Trend: []celsius{20, 21}, Max: &limit, By: map[string]celsius{"a": 1, "b": -3}}, user...)
	trip(t, reading{}, user...)

	newer := userCodec[celsius]("acme/celsius")
	newer.Version = 3
	s := encode(t, codecFor[[]celsius](t, newer), []celsius{1})
	_, err := codecFor[[]celsius](t, user...).Decode(t.Context(), s)
	want(t, err, component.Unsupported, `decode []acme/celsius: [0]: value was written by codec acme/celsius/3, this program reads up to version 2: use a newer one`)
	s = encode(t, codecFor[[]celsius](t, userCodec[celsius]("acme/kelvin")), []celsius{1})
	_, err = codecFor[[]celsius](t, user...).Decode(t.Context(), s)
	want(t, err, component.Corrupt, `decode []acme/celsius: [0]: byte 14: found a value of codec "acme/kelvin" where one of "acme/celsius" is expected`)
}

// TestNilOfUsersCodec: a nil within a value never reaches the codec.
func TestNilOfUsersCodec(t *testing.T) {
	t.Parallel()
	c := Codec{
		Name: "acme/matrix", Version: 1, Type: reflect.TypeFor[*matrix](),
		Encode: func(_ context.Context, w io.Writer, v any) (Info, error) {
			_, err := w.Write([]byte{byte(v.(*matrix).n)})
			return Info{}, err
		},
		Decode: func(_ context.Context, c Content) (any, error) {
			dir, err := c.TempDir()
			if err != nil || dir == "" {
				return nil, fmt.Errorf("no temporary directory: %w", err)
			}
			return &matrix{int(c.(memory).data[0])}, nil
		},
	}
	type model struct {
		W, B *matrix
		P    **matrix
	}
	m := &matrix{7}
	trip(t, model{W: m, P: &m}, c)
	m = nil
	trip(t, model{P: &m}, c)
}

type matrix struct{ n int }

func want(t *testing.T, err error, code component.Code, text string) {
	t.Helper()
	if err == nil || err.Error() != text || component.CodeOf(err) != code {
		t.Errorf("got  %v (%v)\nwant %s (%v)", err, component.CodeOf(err), text, code)
	}
}

type (
	stamped struct {
		time.Time
		Note string
	}
	declared struct { // embeds a marshaler but declares its own methods
		time.Time
		Note string
	}
	loop map[string]loop
)

func (d declared) MarshalText() ([]byte, error) {
	return []byte(d.Format(time.RFC3339Nano) + " " + d.Note), nil
}
func (d *declared) UnmarshalText(b []byte) (err error) {
	at, note, _ := strings.Cut(string(b), " ")
	d.Note = note
	d.Time, err = time.Parse(time.RFC3339Nano, at)
	return err
}
func (d declared) MarshalBinary() ([]byte, error)  { return d.MarshalText() }
func (d *declared) UnmarshalBinary(b []byte) error { return d.UnmarshalText(b) }

// TestRefused shows the error of each type that would not come back.
func TestRefused(t *testing.T) {
	t.Parallel()
	type address struct{ street string } //nolint:unused // refused
	type person struct {
		Name string
		Home address
	}
	var b strings.Builder
	for _, typ := range []reflect.Type{
		reflect.TypeFor[any](), reflect.TypeFor[error](), reflect.TypeFor[func()](), reflect.TypeFor[chan int](), reflect.TypeFor[uintptr](), reflect.TypeFor[unsafe.Pointer](),
		reflect.TypeFor[[]any](), reflect.TypeFor[map[string]any](),
		reflect.TypeFor[struct{ V any }](), reflect.TypeFor[struct{ Err error }](), reflect.TypeFor[struct{ S fmt.Stringer }](),
		reflect.TypeFor[struct{ Done chan int }](), reflect.TypeFor[struct{ Loss func(float64) float64 }](),
		reflect.TypeFor[struct{ P unsafe.Pointer }](),
		reflect.TypeFor[person](), reflect.TypeFor[[]person](), reflect.TypeFor[map[string][]person](), reflect.TypeFor[struct{ By map[string]*person }](),
		reflect.TypeFor[struct{ inner }](), reflect.TypeFor[struct {
			M map[struct{ P *int }]int
		}](),
		reflect.TypeFor[struct {
			Seen struct{ P *int } // the type is fine here, and not in a key
			M    map[struct{ P *int }]int
		}](),
		reflect.TypeFor[stamped](), reflect.TypeFor[[]stamped](), reflect.TypeFor[struct{ When stamped }](),
	} {
		_, err := For(typ, nil)
		if component.CodeOf(err) != component.Invalid {
			t.Errorf("%s: error %v", typ, err)
			continue
		}
		if check := Check(typ); check == nil || check.Error() != err.Error() {
			t.Errorf("%s: Check says %v, For says %v", typ, check, err)
		}
		fmt.Fprintf(&b, "%s\n    %v\n", strings.ReplaceAll(typ.String(), "codec.", ""), err)
	}
	golden(t, "refused.txt", b.String())
	if _, err := For(nil, nil); component.CodeOf(err) != component.Invalid {
		t.Errorf("nil: %v", err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[declared](), reflect.TypeFor[loop](), reflect.TypeFor[struct{ *inner2 }]()} {
		if _, err := For(typ, nil); (err != nil) != (typ.Kind() == reflect.Struct && typ.Name() == "") {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

type inner2 struct{ A int }

func TestID(t *testing.T) {
	t.Parallel()
	name, version, err := ParseID(Codec{Name: "acme/dense", Version: 12}.ID())
	if name != "acme/dense" || version != 12 || err != nil {
		t.Errorf("%q %d %v", name, version, err)
	}
	for _, id := range []string{"", "cbor", "/1", "cbor/", "cbor/0", "cbor/-1", "cbor/x", "cbor/1x", "cbor/99999999999999999999"} {
		if _, _, err := ParseID(id); err == nil {
			t.Errorf("%q is accepted", id)
		}
	}
}

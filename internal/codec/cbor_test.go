package codec

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/tenon-ml/tenon/component"
)

func ptr[T any](v T) *T { return &v }

func location(t tb, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones on this machine: %v", err)
	}
	return loc
}

// specimen holds what other formats lose.
type specimen struct {
	Inner // embedded
	*Twig

	F64       []float64
	F32       [3]float32
	C         complex128
	I         int64
	U         uint64
	Small     int8
	NilList   []string
	Empty     []string
	NilMap    map[string]int
	EmptyMap  map[string]int
	Map       map[id]map[int8]string
	PP        **int
	PNil      **int
	Bytes     []byte
	NoBytes   []byte
	Raw       string // not UTF-8
	Times     []time.Time
	Big       *big.Int
	Precise   big.Float
	Addr      netip.Addr
	URL       url.URL
	Levels    []level
	Nested    [][][]int
	Structs   map[struct{ A, B int }]bool
	IgnoredBy string      `json:"-" cbor:"-"`
	Omitted   []int       `json:",omitempty"`
	private   [0]struct{} //nolint:unused // refused
}

type Twig struct{ Leaves int }

func newSpecimen(t tb) specimen {
	berlin := location(t, "Europe/Berlin")
	var none *int
	u, err := url.Parse("https://user:pw@example.com:8080/a%2Fb?q=1#f")
	if err != nil {
		t.Fatal(err)
	}
	return specimen{
		Inner: Inner{"embedded"}, Twig: &Twig{3},
		F64: []float64{
			math.NaN(), math.Float64frombits(0x7ff0_0000_0000_0001), math.Float64frombits(0xfff8_dead_beef_0001), // any payload, also signalling
			math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, 1.5, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64, 65504, 65505, 5.960464477539063e-8,
		},
		F32: [3]float32{float32(math.Inf(-1)), math.Float32frombits(0x7fc0_0001), 16777217},
		C:   complex(math.NaN(), math.Copysign(0, -1)),
		I:   math.MinInt64, U: math.MaxUint64, Small: -128,
		Empty: []string{}, EmptyMap: map[string]int{},
		Map: map[id]map[int8]string{{1}: {-1: "a", 127: "b"}, {2}: nil, {3}: {}},
		PP:  ptr(ptr(7)), PNil: &none,
		Bytes: []byte{}, Raw: "\xff\x00text",
		Times: []time.Time{
			{}, time.Unix(0, 0).UTC(), time.Unix(1<<40, 999_999_999).UTC(), time.Date(2024, 7, 1, 12, 0, 0, 1, berlin), time.Date(2024, 10, 27, 1, 30, 0, 0, time.UTC).In(berlin),
			time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", -3600)), time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 3208)),
			time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("UTC", 0)), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1, 0).In(time.Local),
		},
		Big: new(big.Int).Lsh(big.NewInt(-3), 200), Precise: *new(big.Float).SetPrec(300).Quo(big.NewFloat(1), big.NewFloat(3)),
		Addr: netip.MustParseAddr("fe80::1%eth0"), URL: *u,
		Levels: []level{1, 255}, Nested: [][][]int{nil, {}, {nil, {}, {1, 1 << 62}}},
		Structs:   map[struct{ A, B int }]bool{{1, 2}: true, {-1, 0}: false},
		IgnoredBy: "kept", Omitted: []int{},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	type export struct{ specimen }
	if err := Check(reflect.TypeFor[export]()); component.CodeOf(err) != component.Invalid {
		t.Errorf("an unexported embedded struct: %v", err)
	}
	if err := Check(reflect.TypeFor[specimen]()); err == nil || !strings.Contains(err.Error(), "specimen.private is unexported") {
		t.Errorf("an unexported field: %v", err)
	}
}

func TestWhatOthersLoseSurvives(t *testing.T) {
	t.Parallel()
	v := reflect.ValueOf(newSpecimen(t))
	// Each field alone, so that a failure names it, and all of them together in a struct without the unexported one.
	var fields []reflect.StructField
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		f.Offset, f.Index, f.Anonymous = 0, nil, false
		fields = append(fields, f)
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			checkTrip(t, v.Field(i))
		})
	}
	all := reflect.New(reflect.StructOf(fields)).Elem()
	for _, f := range fields {
		all.FieldByName(f.Name).Set(v.FieldByName(f.Name))
	}
	checkTrip(t, all)
	if err := RoundTrip(all.Interface()); err != nil {
		t.Error(err)
	}
}

// checkTrip checks all that holds for the CBOR of every value: it comes back equal, the second writing gives the same bytes,
// and an independent implementation accepts these as deterministic CBOR.
func checkTrip(t tb, v reflect.Value) {
	t.Helper()
	data, err := Canonical(v.Interface())
	if err != nil {
		t.Fatalf("%s: %v", v.Type(), err)
	}
	got := reflect.New(v.Type())
	if err := DecodeInto(data, got.Interface()); err != nil {
		t.Fatalf("%s: %v\n%x", v.Type(), err, data)
	}
	in := addressable(v)
	if err := same(in, got.Elem()); err != nil {
		t.Fatalf("%s: %v\nwrote %#v\nread  %#v", v.Type(), err, v, got.Elem())
	}
	again, err := Canonical(got.Elem().Interface())
	if err != nil || hex.EncodeToString(again) != hex.EncodeToString(data) {
		t.Fatalf("%s: %v: other bytes the second time\n%x\n%x", v.Type(), err, data, again)
	}
	checkDeterministic(t, data)
	if _, err := CanonicalJSON(data); err != nil {
		t.Fatalf("%s: JSON: %v", v.Type(), err)
	}
}

// checkDeterministic has another implementation decode the data and encode it again by the rules of RFC 8949, section 4.2.
func checkDeterministic(t tb, data []byte) {
	t.Helper()
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, UTF8: cbor.UTF8RejectInvalid, MaxNestedLevels: 1000,
		IntDec: cbor.IntDecConvertNone, DefaultByteStringType: reflect.TypeFor[cbor.ByteString](), NaN: cbor.NaNDecodeAllowed,
	}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	enc, err := cbor.EncOptions{
		Sort: cbor.SortBytewiseLexical, ShortestFloat: cbor.ShortestFloat16, NaNConvert: cbor.NaNConvertPreserveSignal, InfConvert: cbor.InfConvertFloat16,
		IndefLength: cbor.IndefLengthForbidden,
	}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	if err := cbor.Wellformed(data); err != nil {
		t.Fatalf("not well-formed: %v\n%x", err, data)
	}
	var v any
	if err := dec.Unmarshal(data, &v); err != nil {
		if strings.Contains(err.Error(), "invalid map key type") { // its generic decoder takes no lists and maps as keys
			return
		}
		t.Fatalf("another implementation refuses it: %v\n%x", err, data)
	}
	again, err := enc.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(again) != hex.EncodeToString(data) {
		t.Fatalf("another implementation writes it otherwise:\nhere  %x\nthere %x", data, again)
	}
}

// TestGoldenBytes holds the byte forms: if one changes, the codec's version must be raised and the old form still be read.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	type row struct {
		B    bool
		Name string
		N    *int
	}
	var b strings.Builder
	for _, v := range []any{
		false, 0, 23, 24, -1, -500, int64(math.MaxInt64), uint64(math.MaxUint64),
		1.0, 0.1, float32(0.1), math.Copysign(0, -1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7ff0_0000_0000_0001), 65505.0, 1e300,
		"", "ä", "\xff", []byte(nil), []byte{}, []byte{1, 2}, id{1}, complex64(1i),
		[]string(nil), []string{}, []string{"a"}, [2]bool{true}, map[string]int(nil), map[string]int{}, map[string]int{"b": 1, "a": 2, "aa": 3}, map[int]bool{-1: true, 100: true, 3: false},
		row{}, row{true, "x", ptr(5)}, []row{{}}, ptr(ptr(1)), ptr((*int)(nil)), (**int)(nil), struct{}{},
		time.Time{}, time.Unix(1, 5).UTC(), time.Unix(1, 5).In(time.FixedZone("X", 3600)), time.Date(2024, 7, 1, 0, 0, 0, 0, location(t, "Europe/Berlin")),
		*big.NewInt(-7), netip.MustParseAddr("10.0.0.1"), level(3), big.NewFloat(1.5),
	} {
		data, err := Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		json, err := CanonicalJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-50s %-40x %s\n", strings.ReplaceAll(reflect.TypeOf(v).String(), "codec.", ""), data, json)
	}
	golden(t, "cbor.txt", b.String())
}

func TestMonotonicReadingIsDropped(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if err := RoundTrip(now); err != nil {
		t.Error(err)
	}
	a, _ := Canonical(now)
	b, _ := Canonical(now.Round(0))
	if string(a) != string(b) {
		t.Error("a monotonic reading changes the bytes")
	}
}

type lossy struct{ N int }

func (l lossy) MarshalText() ([]byte, error)     { return []byte("x"), nil }
func (l *lossy) UnmarshalText(text []byte) error { l.N = 1; return nil }

type fussy struct{ N int }

func (f fussy) MarshalText() ([]byte, error) {
	if f.N < 0 {
		panic("negative")
	}
	return nil, fmt.Errorf("%d is odd", f.N)
}
func (f *fussy) UnmarshalText([]byte) error { return nil }

func TestValuesThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		v    any
		text string
	}{
		{map[float64]int{math.NaN(): 1}, "map has a NaN in a key, which cannot be looked up again"},
		{struct{ M map[[1]float32]int }{map[[1]float32]int{{float32(math.NaN())}: 1}}, "M: map has a NaN in a key, which cannot be looked up again"},
		{[]lossy{{1}, {2}}, "value of type []codec.lossy comes back different after it was written and read: a MarshalText or MarshalBinary within it loses data"},
		{map[lossy]int{{1}: 1, {2}: 2}, `map has two keys that are written alike: "x"`},
		{struct{ In []fussy }{[]fussy{{3}}}, "In[0]: marshal codec.fussy: 3 is odd"},
		{map[string]fussy{"a": {-3}}, `["a"]: marshal codec.fussy: panic: negative`},
		{time.Now().In(time.FixedZone(strings.Repeat("x", 300), 0)), `time zone "` + strings.Repeat("x", 80) + `" has a name of more than 255 bytes`},
	} {
		err := RoundTrip(tc.v)
		if err == nil || !strings.HasPrefix(err.Error(), tc.text) || component.CodeOf(err) != component.Invalid {
			t.Errorf("%T: got %v, want %s", tc.v, err, tc.text)
		}
	}
	if _, err := Canonical(nil); component.CodeOf(err) != component.Invalid {
		t.Error(err)
	}
}

func TestTopLevelNilAndEmpty(t *testing.T) {
	t.Parallel()
	trip(t, []byte(nil))
	trip(t, []byte{})
	trip(t, []float64(nil))
	trip(t, []float64{})
	trip(t, []flat(nil))
	trip(t, []flat{})
	trip(t, []string(nil))
	trip(t, []string{})
	trip(t, map[string]int(nil))
	trip(t, map[string]int{})
	trip(t, (*flat)(nil))
	trip(t, "")
	trip(t, "\xff\xfe")
	trip(t, outer{Inner{"embedded"}})
	trip(t, struct {
		*Twig
		Inner
		B string // hides Inner.B, which is kept
	}{&Twig{1}, Inner{"in"}, "out"})
	trip(t, level(9))
	trip(t, *big.NewInt(5))
	trip(t, big.NewInt(5))
	trip(t, *big.NewFloat(0.1))
	trip(t, time.Date(2024, 7, 1, 12, 0, 0, 1, location(t, "Europe/Berlin")))
}

func TestWrongValueIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Codec{codecFor[int](t), codecFor[string](t), codecFor[[]byte](t), codecFor[[]float64](t), codecFor[[]flat](t), codecFor[level](t), codecFor[*node](t)} {
		for _, v := range []any{nil, struct{}{}} {
			if _, err := c.Encode(t.Context(), &strings.Builder{}, v); component.CodeOf(err) != component.Invalid {
				t.Errorf("%s of %s: %T: %v", c.ID(), c.Type, v, err)
			}
		}
	}
}

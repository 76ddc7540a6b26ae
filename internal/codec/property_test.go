package codec

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawType draws a type that CBOR can store.
func drawType(t *rapid.T, depth int) reflect.Type {
	plain := []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](), reflect.TypeFor[complex128](), reflect.TypeFor[string](),
		reflect.TypeFor[[]byte](), reflect.TypeFor[[4]byte](), reflect.TypeFor[time.Time](), reflect.TypeFor[level](), reflect.TypeFor[Inner](),
	}
	kinds := []string{"plain", "pointer", "slice", "array", "map", "struct"}
	if depth == 0 {
		kinds = kinds[:1]
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "pointer":
		return reflect.PointerTo(drawType(t, depth-1))
	case "slice":
		return reflect.SliceOf(drawType(t, depth-1))
	case "array":
		return reflect.ArrayOf(rapid.IntRange(0, 3).Draw(t, "length"), drawType(t, depth-1))
	case "map":
		key := rapid.SampledFrom([]reflect.Type{
			reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[uint8](), reflect.TypeFor[bool](), reflect.TypeFor[id](), reflect.TypeFor[float64](),
			reflect.TypeFor[struct {
				A int8
				B string
			}](),
		}).Draw(t, "key")
		return reflect.MapOf(key, drawType(t, depth-1))
	case "struct":
		var fields []reflect.StructField
		for i := range rapid.IntRange(0, 4).Draw(t, "fields") {
			name := string(rune('A' + i))
			if rapid.Bool().Draw(t, "long name") {
				name += "_with_a_name_longer_than_23_bytes"
			}
			fields = append(fields, reflect.StructField{Name: name, Type: drawType(t, depth-1)})
		}
		return reflect.StructOf(fields)
	}
	return rapid.SampledFrom(plain).Draw(t, "type")
}

var (
	drawString = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) string { return string(b) }))
	drawZone   = rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/St_Johns", "fixed", "Local"})
)

func drawTime(t *rapid.T) time.Time {
	at := time.Unix(rapid.Int64Range(-1<<38, 1<<38).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
	switch name := drawZone.Draw(t, "zone"); name {
	case "UTC":
		return at.UTC()
	case "Local":
		return at
	case "fixed":
		return at.In(time.FixedZone(drawString.Draw(t, "abbreviation"), rapid.IntRange(-90_000, 90_000).Draw(t, "offset")))
	default:
		loc, err := time.LoadLocation(name)
		if err != nil {
			return at.UTC()
		}
		return at.In(loc)
	}
}

// drawInto sets a variable to any value of its type.
func drawInto(t *rapid.T, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = drawTime(t)
		return
	case *float32: // SetFloat would lose signalling NaNs
		*p = math.Float32frombits(rapid.Uint32().Draw(t, "float32"))
		return
	}
	bits := rapid.OneOf(rapid.Uint64(), rapid.Map(rapid.Float64(), math.Float64bits), rapid.Map(rapid.Float32(), func(f float32) uint64 { return math.Float64bits(float64(f)) }))
	size := rapid.IntRange(0, 3)
	isNil := func() bool { return rapid.IntRange(0, 3).Draw(t, "nil") == 0 }
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int") >> (64 - 8*v.Type().Size()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint") >> (64 - 8*v.Type().Size()))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(bits.Draw(t, "float64")))
	case reflect.Complex64:
		v.SetComplex(complex(float64(rapid.Float32().Draw(t, "re")), float64(rapid.Float32().Draw(t, "im"))))
	case reflect.Complex128:
		v.SetComplex(complex(math.Float64frombits(bits.Draw(t, "re")), math.Float64frombits(bits.Draw(t, "im"))))
	case reflect.String:
		v.SetString(drawString.Draw(t, "string"))
	case reflect.Pointer:
		if !isNil() {
			v.Set(reflect.New(v.Type().Elem()))
			drawInto(t, v.Elem())
		}
	case reflect.Slice:
		if !isNil() {
			n := size.Draw(t, "length")
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			drawElements(t, v)
		}
	case reflect.Array:
		drawElements(t, v)
	case reflect.Map:
		if isNil() {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range size.Draw(t, "length") {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			drawInto(t, key)
			drawInto(t, elem)
			if reflexive(key) {
				v.SetMapIndex(key, elem)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			drawInto(t, v.Field(i))
		}
	}
}

func drawElements(t *rapid.T, v reflect.Value) {
	for i := range v.Len() {
		drawInto(t, v.Index(i))
	}
}

// TestEveryValueOfEveryTypeComesBack is the promise of the package.
func TestEveryValueOfEveryTypeComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		v := reflect.New(drawType(rt, 3)).Elem()
		drawInto(rt, v)
		checkTrip(rt, v)
	})
}

// TestEveryCodecBringsItsValuesBack draws types of which For makes a choice between several codecs.
func TestEveryCodecBringsItsValuesBack(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	rapid.Check(t, func(rt *rapid.T) {
		elem := drawType(rt, rapid.IntRange(0, 2).Draw(rt, "depth"))
		if rapid.Bool().Draw(rt, "rows") {
			fields := []reflect.StructField{{Name: "A", Type: drawType(rt, 0)}, {Name: "B", Type: reflect.PointerTo(drawType(rt, 0))}, {Name: "C", Type: reflect.TypeFor[time.Time]()}}
			elem = reflect.StructOf(fields)
		}
		typ := reflect.SliceOf(elem)
		c, err := For(typ, nil)
		if err != nil {
			rt.Fatal(err)
		}
		seen[c.Name]++
		v := reflect.New(typ).Elem()
		drawInto(rt, v)
		s := encode(rt, c, v.Interface())
		got := addressable(reflect.ValueOf(decode(rt, c, s)))
		if err := same(v, got); err != nil {
			rt.Fatalf("%s of %s: %v\nwrote %#v\nread  %#v", c.ID(), typ, err, v, got)
		}
		if again := encode(rt, c, got.Interface()); string(again.data) != string(s.data) {
			rt.Fatalf("%s of %s: other bytes the second time", c.ID(), typ)
		}
	})
	if !t.Failed() && (seen["cbor"] == 0 || seen["numeric"] == 0 || seen["parquet"] == 0) {
		t.Errorf("codecs seen: %v", seen)
	}
}

// TestEqualValuesHaveEqualBytes: only the order of insertion differs.
func TestEqualValuesHaveEqualBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.Int(), rapid.ID[int]).Draw(rt, "keys")
		a, b := make(map[int]string), make(map[int]string)
		for i, k := range keys {
			a[k] = "v"
			b[keys[len(keys)-1-i]] = "v"
		}
		x, _ := Canonical(a)
		y, _ := Canonical(b)
		if string(x) != string(y) {
			rt.Fatalf("%x\n%x", x, y)
		}
	})
}

// TestDifferentValuesHaveDifferentJSON: the graph tells parameters apart by it.
func TestDifferentValuesHaveDifferentJSON(t *testing.T) {
	t.Parallel()
	check := func(t tb, a, b any) {
		x, err := Canonical(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := Canonical(b)
		if err != nil {
			t.Fatal(err)
		}
		xJSON, err := CanonicalJSON(x)
		if err != nil || !json.Valid(xJSON) {
			t.Fatalf("%s: %v", xJSON, err)
		}
		yJSON, err := CanonicalJSON(y)
		if err != nil {
			t.Fatal(err)
		}
		if string(x) != string(y) && string(xJSON) == string(yJSON) && !bytes.Contains(xJSON, []byte(`"NaN"`)) {
			t.Fatalf("%x and %x are both %s", x, y, xJSON)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		typ := drawType(rt, 2)
		a, b := reflect.New(typ).Elem(), reflect.New(typ).Elem()
		drawInto(rt, a)
		drawInto(rt, b)
		check(rt, a.Interface(), b.Interface())
	})
	check(t, map[string]int{"\xff": 1}, map[string]int{`{"base64":"/w=="}`: 1})
	check(t, []string{"\xff"}, []string{`{"base64":"/w=="}`})
	check(t, map[string]string{"a": "b\",\"c"}, map[string]string{"a": "b"})
	check(t, time.Unix(0, 0).In(time.FixedZone("a b", 0)), time.Unix(0, 0).In(time.FixedZone("a", 0)))
	check(t, time.Unix(0, 0).In(time.FixedZone("x x", 3600)), time.Unix(0, 0).In(time.FixedZone("x", 3600)))
	check(t, time.Unix(0, 0).In(time.FixedZone("UTC", 0)), time.Unix(0, 0).UTC())
}

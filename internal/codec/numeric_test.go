package codec

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/component"
)

func TestNumbersComeBack(t *testing.T) {
	t.Parallel()
	trip(t, []float64{math.NaN(), math.Float64frombits(0x7ff0_0000_0000_0001), math.Inf(1), math.Copysign(0, -1), 0.1})
	trip(t, []float32{float32(math.NaN()), math.Float32frombits(0x7f80_0001), float32(math.Inf(-1))})
	trip(t, []int{math.MinInt64, -1, 0, 1<<53 + 1, math.MaxInt64})
	trip(t, []int8{-128, 127})
	trip(t, []int16{-32768, 32767})
	trip(t, []int32{math.MinInt32, math.MaxInt32})
	trip(t, []uint{0, math.MaxUint64})
	trip(t, []uint16{65535})
	trip(t, []uint32{math.MaxUint32})
	trip(t, []uint64{math.MaxUint64})
	trip(t, []time.Duration{time.Hour, -1})
	trip(t, named{1, 2})
	trip(t, named(nil))
	rapid.Check(t, func(rt *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64(), 0, 100_000>>rapid.IntRange(0, 17).Draw(rt, "size")).Draw(rt, "v")
		c := codecFor[[]float64](t)
		if err := same(reflect.ValueOf(v), reflect.ValueOf(decode(rt, c, encode(rt, c, v)))); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestNumericForm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		s    stored
		data string
		meta map[string]any
		text string
	}{
		{trip(t, []int16{1, -2}), "num\x01i\x02\x00\x00\x01\x00\xfe\xff", map[string]any{"length": 2, "min": int64(-2), "max": int64(1)}, "[1, -2]"},
		{trip(t, []uint32(nil)), "num\x01u\x04\x01\x00", map[string]any{"length": 0}, "null"},
		{trip(t, []uint32{}), "num\x01u\x04\x00\x00", map[string]any{"length": 0}, "[]"},
		{trip(t, []float32{1.5, float32(math.NaN())}), "num\x01f\x04\x00\x00\x00\x00\xc0\x3f\x00\x00\xc0\x7f", map[string]any{"length": 2, "min": 1.5, "max": 1.5}, "[1.5, NaN]"},
		{trip(t, []float32{float32(math.Inf(1))}), "num\x01f\x04\x00\x00\x00\x00\x80\x7f", map[string]any{"length": 1}, "[+Inf]"},
	} {
		if string(tc.s.data) != tc.data || !reflect.DeepEqual(tc.s.info.Meta, tc.meta) || tc.s.info.Preview != tc.text {
			t.Errorf("%q %v %q\nwant %q %v %q", tc.s.data, tc.s.info.Meta, tc.s.info.Preview, tc.data, tc.meta, tc.text)
		}
	}
	long := trip(t, make([]int8, 10_000))
	if want := "[" + strings.Repeat("0, ", 32) + "…]"; long.info.Preview != want {
		t.Errorf("preview %q", long.info.Preview)
	}
}

func TestMalformedNumbers(t *testing.T) {
	t.Parallel()
	c := codecFor[[]int32](t)
	good := "num\x01i\x04\x00\x00\x01\x00\x00\x00"
	for _, data := range []string{
		"", "num", good[:7], good[:9], good + "x", "num\x02" + good[4:], "num\x01u" + good[5:], "num\x01i\x08" + good[6:], "num\x01i\x04\x01" + good[7:], "num\x01i\x04\x02" + good[7:], "num\x01i\x04\x00\x01" + good[8:],
	} {
		if _, err := c.Decode(t.Context(), stored{data: []byte(data)}); component.CodeOf(err) != component.Corrupt {
			t.Errorf("%q: %v", data, err)
		}
	}
	// A size that is a lie costs no more than what arrives.
	_, err := c.Decode(t.Context(), lying{stored{data: []byte(good)}, 1 << 50})
	want(t, err, component.Corrupt, "data ends within a value")
}

// lying is content whose record claims another size.
type lying struct {
	stored
	size int64
}

func (l lying) Size() int64 { return l.size }

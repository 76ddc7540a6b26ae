package codec

import (
	"fmt"
	"io"
	"reflect"
	"testing"
	"time"
)

type record struct {
	Name  string
	Count int
	Score float64
	Tags  []string
	By    map[string]int
	At    time.Time
}

func benchmark(b *testing.B, v any) {
	b.Helper()
	c, err := For(reflect.TypeOf(v), nil)
	if err != nil {
		b.Fatal(err)
	}
	s := encode(b, c, v)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(s.Size())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Encode(b.Context(), io.Discard, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(s.Size())
		b.ReportAllocs()
		for b.Loop() {
			decode(b, c, s)
		}
	})
}

func BenchmarkCBOR(b *testing.B) {
	v := make([]record, 10_000)
	for i := range v {
		v[i] = record{fmt.Sprint("name ", i), i * i, float64(i) / 3, []string{"a", "b"}, map[string]int{"x": i, "y": 1}, time.Unix(int64(i), 0).UTC()}
	}
	benchmark(b, v)
}

func BenchmarkSmallCBOR(b *testing.B) { benchmark(b, struct{ LR, Momentum float64 }{0.1, 0.9}) }

func BenchmarkNumeric(b *testing.B) {
	v := make([]float64, 1<<20)
	for i := range v {
		v[i] = float64(i)
	}
	benchmark(b, v)
	b.Run("memcpy", func(b *testing.B) {
		b.SetBytes(8 << 20)
		for b.Loop() {
			copy(make([]float64, len(v)), v)
		}
	})
}

func BenchmarkParquet(b *testing.B) {
	v := make([]flight, 200_000)
	for i := range v {
		v[i] = flight{time.Unix(int64(i)*60, 0).UTC(), int16(i % 300), uint16(i % 5000), fmt.Sprint("A", i%200), fmt.Sprint("B", i%300)}
	}
	benchmark(b, v)
}

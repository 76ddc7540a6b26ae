package external_test

import (
	"fmt"
	"io"
	"math"
	"math/big"
	"net/netip"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"github.com/tenon-ml/tenon/artifact"
)

// dense is a codec of the user's for a type of a third party.
var dense = artifact.Codec[*mat.Dense]{
	Name:    "acme/dense",
	Version: 1,
	Encode: func(w io.Writer, m *mat.Dense) error {
		_, err := m.MarshalBinaryTo(w)
		return err
	},
	Decode: func(r io.Reader) (*mat.Dense, error) {
		m := new(mat.Dense)
		_, err := m.UnmarshalBinaryFrom(r)
		return m, err
	},
	Describe: func(m *mat.Dense) (map[string]any, string) {
		rows, columns := m.Dims()
		return map[string]any{"shape": []int{rows, columns}}, fmt.Sprintf("%d x %d", rows, columns)
	},
}

func newDense(rows, columns int) *mat.Dense {
	m := mat.NewDense(rows, columns, nil)
	for i := range rows {
		for j := range columns {
			m.Set(i, j, 1/float64(i*columns+j))
		}
	}
	m.Set(rows-1, columns-1, math.Float64frombits(0x7ff8_0000_dead_beef))
	return m
}

// Observation holds what other formats lose.
type Observation struct {
	NaN, Inf, NegZero float64
	Payload           float32 // a NaN of its own
	Big               int64   // beyond 2^53
	Max               uint64
	Nil, Empty        []string
	Lists             [][]int
	NilMap, EmptyMap  map[string]int
	Counts            map[[2]int8]map[string]int64
	Times             []time.Time
	Ptr               **int
	Prime             *big.Int
	Host              netip.Addr
	Text              string // not UTF-8
	Hidden            string `json:"-"`
	Weights           *mat.Dense
	NoWeights         *mat.Dense
	Next              *Observation
}

// Row is flat, so that a list of it is Parquet.
type Row struct {
	ID    int64
	Score float64
	Maybe *float64
	Name  *string
	Raw   []byte
	Seen  time.Time
	Never *time.Time
}

func zones() []time.Time {
	day := time.Date(2024, 10, 27, 0, 30, 0, 123_456_789, time.UTC) // in Berlin, the hour that happens twice
	times := []time.Time{{}, day, day.In(time.FixedZone("", 5*3600+1800)), day.In(time.FixedZone("LMT", 3208)), time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC), time.Date(12024, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, name := range []string{"Europe/Berlin", "America/St_Johns"} {
		if loc, err := time.LoadLocation(name); err == nil {
			times = append(times, day.In(loc), day.Add(time.Hour).In(loc))
		}
	}
	return times
}

func observations() []Observation {
	seven, half := 7, newDense(2, 3)
	p := &seven
	prime, _ := new(big.Int).SetString("170141183460469231731687303715884105727", 10)
	o := Observation{
		NaN: math.NaN(), Inf: math.Inf(-1), NegZero: math.Copysign(0, -1), Payload: math.Float32frombits(0x7fc0_1234), Big: 1<<53 + 1, Max: math.MaxUint64,
		Empty: []string{}, Lists: [][]int{nil, {}, {1, -1 << 62}}, EmptyMap: map[string]int{},
		Counts: map[[2]int8]map[string]int64{{-1, 2}: {"a": math.MinInt64}, {3, 4}: nil, {0, 0}: {}},
		Times:  zones(), Ptr: &p, Prime: prime, Host: netip.MustParseAddr("fe80::1%eth0"), Text: "\xff\x00", Hidden: "kept", Weights: half,
	}
	o.Next = &Observation{Big: math.MinInt64, Nil: nil, Empty: []string{""}}
	return []Observation{o, {}}
}

func rows() []Row {
	nan, text, zero := math.NaN(), "", time.Time{}
	out := []Row{
		{ID: 1<<53 + 1, Score: math.NaN(), Maybe: &nan, Name: &text, Raw: []byte{}, Never: &zero},
		{ID: math.MinInt64, Score: math.Copysign(0, -1)},
	}
	for _, at := range zones() {
		out = append(out, Row{Score: math.Inf(1), Raw: []byte{0, 255}, Seen: at})
	}
	return out
}

// exactly compares bits of floats, and times with their zones; go-cmp itself tells nil from empty.
var exactly = cmp.Options{
	cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }),
	cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
	cmp.Comparer(func(a, b time.Time) bool {
		return a.Equal(b) && a.Format(time.RFC3339Nano+" MST") == b.Format(time.RFC3339Nano+" MST") && a.Location().String() == b.Location().String()
	}),
	cmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Transformer("matrix", func(m *mat.Dense) *[3]any {
		if m == nil {
			return nil
		}
		raw := m.RawMatrix()
		return &[3]any{raw.Rows, raw.Cols, raw.Data}
	}),
}

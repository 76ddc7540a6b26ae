package strictyaml_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

func TestSet(t *testing.T) {
	t.Parallel()
	got := testConfig()
	shared, limit := got.Weights, got.Limit
	for _, set := range [][2]string{
		{"name", "  yes: [not yaml]"}, {"LR", "-.inf"}, {"test-share", "1"}, {"deep", "TRUE"}, {"seed", "0o17"},
		{"retry", "{attempts: 5}"}, {"retry.max-backoff", "1h"}, {"hosts", "[a, 'b']"}, {"weights.new.key", "2"}, {"by_id.7", "{attempts: 1}"},
		{"pair", "[1, 2]"}, {"when", "2026-01-31T15:04:05+01:00"}, {"wait", "-1s"}, {"size", "1B"}, {"limit", "9"}, {"extra", "[1, x]"},
		{"raw", base64.StdEncoding.EncodeToString([]byte{0, 255})}, {"rest", "{a: 1}"},
	} {
		if err := strictyaml.Set(&got, set[0], set[1]); err != nil {
			t.Errorf("%s=%s: %v", set[0], set[1], err)
		}
	}
	nine := 9
	want := config{
		embedded: embedded{Seed: 15}, Name: "  yes: [not yaml]", LR: math.Inf(-1), TestShare: 1, Deep: true,
		Retry: retry{5, time.Hour}, Hosts: []string{"a", "b"}, Weights: map[string]float64{"kept": 1, "new.key": 2}, ByID: map[int]retry{7: {Attempts: 1}},
		Pair: [2]int{1, 2}, When: time.Date(2026, 1, 31, 15, 4, 5, 0, time.FixedZone("", 3600)), Wait: -time.Second, Size: 2, Limit: &nine,
		Extra: []any{int64(1), "x"}, Raw: []byte{0, 255}, Rest: got.Rest,
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Error(diff)
	}
	if len(shared) != 1 || *limit != 3 {
		t.Error("Set wrote to what the old value refers to")
	}
	for _, name := range []string{"limit", "hosts", "weights"} {
		if err := strictyaml.Set(&got, name, "null"); err != nil {
			t.Error(err)
		}
	}
	if got.Limit != nil || got.Hosts != nil || got.Weights != nil {
		t.Errorf("null sets %v, %v, %v", got.Limit, got.Hosts, got.Weights)
	}
}

type numbers struct {
	I8  int8
	I64 int64
	U16 uint16
	U64 uint64
	F32 float32
	F64 float64
	B   bool
	D   time.Duration
	S   string
	M   map[string]string
}

// What can be written is read back as it was, by Set and by Decode.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := numbers{
			I8: rapid.Int8().Draw(t, "i8"), I64: rapid.Int64().Draw(t, "i64"), U16: rapid.Uint16().Draw(t, "u16"), U64: rapid.Uint64().Draw(t, "u64"),
			F32: rapid.Float32().Draw(t, "f32"), F64: rapid.Float64().Draw(t, "f64"), B: rapid.Bool().Draw(t, "b"),
			D: time.Duration(rapid.Int64().Draw(t, "d")), S: rapid.String().Draw(t, "s"),
		}
		var set numbers
		for name, text := range map[string]string{
			"i8": strconv.Itoa(int(want.I8)), "i64": strconv.FormatInt(want.I64, 10), "u16": fmt.Sprintf("%#x", want.U16), "u64": strconv.FormatUint(want.U64, 10),
			"f32": strconv.FormatFloat(float64(want.F32), 'g', -1, 32), "f64": strconv.FormatFloat(want.F64, 'g', -1, 64),
			"b": strconv.FormatBool(want.B), "d": want.D.String(), "s": want.S,
		} {
			if err := strictyaml.Set(&set, name, text); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, set); diff != "" {
			t.Fatal(diff)
		}
		var decoded numbers
		doc := fmt.Sprintf("i8: %d\ni64: %d\nu16: %d\nu64: %d\nf32: %v\nf64: %v\nb: %v\nd: %v\n",
			want.I8, want.I64, want.U16, want.U64, want.F32, want.F64, want.B, want.D)
		if err := decode([]byte(doc), "doc", &decoded); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		want.S = ""
		if diff := cmp.Diff(want, decoded); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A number is stored exactly, or refused.
func TestNoSilentOverflow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		var got numbers
		text := strconv.FormatInt(n, 10)
		if err := strictyaml.Set(&got, "i8", text); (err == nil) != (n >= math.MinInt8 && n <= math.MaxInt8) || err == nil && int64(got.I8) != n {
			t.Fatalf("int8 %d: %d, %v", n, got.I8, err)
		}
		if err := decode([]byte("u16: "+text), "", &got); (err == nil) != (n >= 0 && n <= math.MaxUint16) || err == nil && int64(got.U16) != n {
			t.Fatalf("uint16 %d: %d, %v", n, got.U16, err)
		}
	})
}

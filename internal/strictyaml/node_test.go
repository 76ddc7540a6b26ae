package strictyaml_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

func node(t *testing.T, text string) strictyaml.Node {
	t.Helper()
	n, err := strictyaml.Parse([]byte(text), "f")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNode(t *testing.T) {
	t.Parallel()
	n := node(t, "max-size: 1\nretry: {attempts: 3}\nhosts: [a, {b: 'c'}]\n? d\n: e\n")
	var strings []string
	for at, s := range n.Strings() {
		strings = append(strings, s+" "+at.Errorf("here").Error())
	}
	if diff := cmp.Diff([]string{"a f:3:9: hosts[0]: here", "c f:3:16: hosts[1].b: here", "e f:5:3: d: here"}, strings); diff != "" {
		t.Error(diff)
	}
	for range n.Strings() {
		break // an iterator may be left
	}
	for path, want := range map[string]string{"max_size": "f:1:11: max-size: x", "retry.attempts": "f:2:19: retry.attempts: x", "hosts.[1].b": "f:3:16: hosts[1].b: x"} {
		if at, ok := n.At(path); !ok || at.Errorf("x").Error() != want {
			t.Errorf("%s: got %v, %v", path, at.Errorf("x"), ok)
		}
	}
	for _, path := range []string{"", "none", "retry.none", "retry.attempts.none", "hosts.[2]"} {
		if at, ok := n.At(path); ok || !at.IsZero() {
			t.Errorf("%q exists", path)
		}
	}
	var zero strictyaml.Node
	kept := 1
	if err := zero.Decode(&kept); err != nil || kept != 1 || !zero.IsZero() || zero.Errorf("x").Error() != "x" {
		t.Errorf("the zero node: %v, %d", err, kept)
	}
	for range zero.Strings() {
		t.Error("the zero node has a string")
	}
}

func TestDecodeRest(t *testing.T) {
	t.Parallel()
	var got struct{ A, B int }
	if err := node(t, "a: 1\nb: x\nc: 2").DecodeRest(&got); err == nil || got.A != 1 || got.B != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	n := node(t, "a: 1\nb: 2")
	a, _ := n.At("a")
	b, _ := n.At("b")
	err := strictyaml.Join(nil, b.Errorf("late"), a.Errorf("early"), errors.New("nowhere"), a.Errorf("early"))
	if want := "nowhere\nf:1:4: a: early\nf:2:4: b: late"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := strictyaml.Join(nil, nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	c := testConfig()
	c.Wait, c.Raw, c.When = time.Minute, []byte{1}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c.Rest = node(t, "[1, x]")
	c.ByID = map[int]retry{3: {}}
	got, err := json.Marshal(strictyaml.Plain(&c))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"by_id":{"3":{"attempts":0,"max_backoff":"0s"}},"deep":false,"hosts":["kept"],"limit":3,"lr":0.5,"name":"kept","pair":[0,0],` +
		`"raw":"AQ==","rest":[1,"x"],"retry":{"attempts":2,"max_backoff":"0s"},"seed":0,"size":0,"test_share":0,"wait":"1m0s","weights":{"kept":1},"when":"2026-01-01T00:00:00Z"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if strictyaml.Plain(nil) != nil || strictyaml.Plain((*config)(nil)) != nil {
		t.Error("nothing is something")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type numbers struct {
		A, B, C float64
		F       float32
		List    []float64
		ByName  map[string]float64
	}
	got, err := strictyaml.JSON(&numbers{math.NaN(), math.Inf(1), math.Inf(-1), 0.1, []float64{1, math.NaN()}, map[string]float64{"x": math.Inf(1)}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a":"NaN","b":"Infinity","by_name":{"x":"Infinity"},"c":"-Infinity","f":0.1,"list":[1,"NaN"]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// Encode is the inverse of decoding into an empty interface.
func TestEncode(t *testing.T) {
	t.Parallel()
	scalar := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Uint64Min(math.MaxInt64+1).AsAny(),
		rapid.Float64().AsAny(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1, 1e300, 5e-324, math.Copysign(0, -1)}).AsAny(), rapid.String().AsAny())
	value := rapid.OneOf(scalar, rapid.SliceOfN(rapid.OneOf(scalar, rapid.SliceOfN(scalar, 0, 2).AsAny()), 0, 3).AsAny(), rapid.MapOfN(rapid.String(), scalar, 0, 3).AsAny())
	rapid.Check(t, func(t *rapid.T) {
		want := any(rapid.MapOfN(rapid.String(), value, 0, 4).Draw(t, "value"))
		text, err := strictyaml.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := decode(text, "f", &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
	})
	for _, v := range []any{make(chan int), map[string]any{"k": []any{func() {}}}, "\xff", map[string]any{"\xff": 1}, struct{}{}} {
		if text, err := strictyaml.Encode(v); err == nil {
			t.Errorf("%T became %s", v, text)
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	c := testConfig()
	s := strictyaml.Schema(&c)
	if got := s.Properties["lr"]; got.Type != "number" || got.Description != "learning rate" || string(got.Default) != "0.5" {
		t.Errorf("lr: %+v", got)
	}
	if got := s.Properties["seed"]; got.Type != "integer" || *got.Minimum != 0 || *got.Maximum != 65535 {
		t.Errorf("seed: %+v", got)
	}
	if got := s.Properties["pair"]; *got.MinItems != 2 || *got.MaxItems != 2 {
		t.Errorf("pair: %+v", got)
	}
	var names []string
	for _, f := range strictyaml.Fields(reflect.TypeOf(c)) {
		names = append(names, f.Name)
	}
	if !slices.Contains(names, "retry.attempts") || len(s.PropertyOrder) != len(s.Properties) {
		t.Errorf("fields %v, properties %v", names, s.PropertyOrder)
	}
	if got := fmt.Sprint(strictyaml.Schema(nil).Type, strictyaml.Schema(wide{}).Properties["next"].Type); got != "" {
		t.Errorf("got %q for nil and for a recursive type", got)
	}
}

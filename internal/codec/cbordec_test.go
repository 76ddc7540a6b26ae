package codec

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
)

func TestDecodeInto(t *testing.T) {
	t.Parallel()
	type in struct {
		A int
		B string
	}
	type moved struct {
		A int
		C string
	}
	data, err := Canonical(in{1, "x"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, DecodeInto(data, new(moved)), component.Invalid, `byte 6: found field "B" where C is expected`)
	want(t, DecodeInto(data, new(struct{ A int })), component.Invalid, `byte 6: there is no field "B"`)
	want(t, DecodeInto(data, new(struct{ A, B, D int })), component.Invalid, `B: byte 6: found a string where an integer is expected`)
	want(t, DecodeInto(data, new(struct {
		A int
		B string
		D int
	})), component.Invalid, `byte 8: field D is missing`)
	want(t, DecodeInto(data, new(struct {
		A int8
		B []string
	})), component.Invalid, `B: byte 6: found a string where a list is expected`)
	want(t, DecodeInto(append(data, 0), new(in)), component.Invalid, `byte 8: 1 bytes after the end of the value`)
	want(t, DecodeInto(data, in{}), component.Invalid, `decode into codec.in: want a pointer`)
	want(t, DecodeInto(data, (*in)(nil)), component.Invalid, `decode into *codec.in: want a pointer`)
}

// TestOnlyOneForm: other encodings of the same data are refused, so that equal digests and equal values are the same thing.
func TestOnlyOneForm(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		hex  string
		into any
		text string
	}{
		{"1800", new(int), "byte 0: number is not in its shortest form"},
		{"1b00000000ffffffff", new(int), "byte 0: number is not in its shortest form"},
		{"fb3ff0000000000000", new(float64), "byte 0: float is not in its shortest form"},
		{"fa3f800000", new(float64), "byte 0: float is not in its shortest form"},
		{"fb7ff8000000000000", new(float64), "byte 0: float is not in its shortest form"},
		{"fb3fb999999999999a", new(float32), "byte 9: 0.1 does not fit a float32"},
		{"9fff", new([]int), "byte 0: byte 0x9f begins no deterministic CBOR"},
		{"5f40ff", new([]byte), "byte 0: byte 0x5f begins no deterministic CBOR"},
		{"a2616201616102", new(map[string]int), "byte 6: map keys are not in order"},
		{"a2616101616102", new(map[string]int), "byte 6: map keys are not in order"},
		{"a1f97e0001", new(map[float64]int), "byte 4: map has a NaN in a key"},
		{"a2f9000001f9800002", new(map[float64]int), "byte 9: map has keys that are equal"},
		{"61ff", new(string), "byte 1: string is not valid UTF-8"},
		{"da0074656e4161", new(string), "byte 7: valid UTF-8 in the form of an invalid string"},
		{"f7", new(bool), "byte 0: found an undefined value where a boolean is expected"},
		{"f7", new(float64), "byte 0: found an undefined value where a float is expected"},
		{"f820", new(*float64), "byte 0: found an undefined value where a float is expected"},
		{"3bffffffffffffffff", new(int64), "byte 0: integer is out of range"},
		{"1b8000000000000000", new(int64), "byte 0: integer is out of range"},
		{"18ff", new(int8), "byte 2: 255 is out of the range of int8"},
		{"20", new(uint), "byte 0: found an integer where an unsigned integer is expected"},
		{"81", new([]int), "byte 1: a list claims 1 items in 0 bytes"},
		{"9bffffffffffffffff", new([]int), "byte 9: a list claims 18446744073709551615 items in 0 bytes"},
		{"bb7fffffffffffffff", new(map[int]int), "byte 9: a map claims 9223372036854775807 items in 0 bytes"},
		{"5b7fffffffffffffff", new([]byte), "byte 9: a byte string claims 9223372036854775807 items in 0 bytes"},
		{"8101", new([2]int), "byte 1: found 1 items where the array has 2"},
		{"420102", new([3]byte), "byte 3: found 2 bytes where 3 are expected"},
		{"", new(int), "byte 0: data ends where a value is expected"},
		{"19", new(int), "byte 0: data ends within a value"},
	} {
		data, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		want(t, DecodeInto(data, tc.into), component.Invalid, tc.text)
	}
	deep := append(make([]byte, 0, 1<<20), strings.Repeat("\x81", 1<<20)...)
	type list []list
	if err := DecodeInto(deep, new(list)); component.CodeOf(err) != component.Invalid || len(err.Error()) > 300 {
		t.Errorf("a million levels: %.500v", err)
	}
	if _, err := CanonicalJSON(deep); component.CodeOf(err) != component.Invalid {
		t.Errorf("a million levels of JSON: %.500v", err)
	}
}

type node struct {
	Value int
	Next  *node
	Kids  []*node
	By    map[string]*node
}

func TestRecursiveTypes(t *testing.T) {
	t.Parallel()
	n := node{Value: 1, Next: &node{Value: 2, Kids: []*node{nil, {Value: 3}}}, By: map[string]*node{"x": {Value: 4, Kids: []*node{}}}}
	checkTrip(t, reflect.ValueOf(n))
	checkTrip(t, reflect.ValueOf(loop{"a": {"b": nil, "c": {}}}))
	type list []list
	checkTrip(t, reflect.ValueOf(list{nil, {}, {{nil}}}))

	long := &node{}
	for range maxDepth - 10 {
		long = &node{Next: long}
	}
	if err := RoundTrip(long); err != nil {
		t.Errorf("a list of %d: %v", maxDepth-10, err)
	}
}

func TestCyclicValues(t *testing.T) {
	t.Parallel()
	self := &node{}
	self.Next = self
	_, err := Canonical(self)
	want(t, err, component.Invalid, "Next.Next.Next.Next.Next.Next.Next.Next….Next.Next.Next.Next.Next.Next.Next.Next: value is nested deeper than 10000 levels: it probably contains itself, and a cycle cannot be stored")
	m := loop{}
	m["m"] = m
	if _, err := Canonical(m); component.CodeOf(err) != component.Invalid {
		t.Error(err)
	}
	kids := &node{}
	kids.Kids = []*node{kids}
	if err := RoundTrip(*kids); component.CodeOf(err) != component.Invalid {
		t.Error(err)
	}
}

package cachekey

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	var f Fields
	f.Add("fingerprint", "sha256:00")
	f.Add("param LR", "\xf9\x3c\x00")
	const want = "sha256:bf7388f9c25023926ecc195005065b4f658469825b6e4d66f5e1c84b51422c85"
	if got := f.Key(); got != want {
		t.Errorf("key %s, want %s: a changed key makes every cached result a miss; raise the schema if that is meant", got, want)
	}
}

func TestDifferentFieldsHaveDifferentKeys(t *testing.T) {
	t.Parallel()
	fields := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Field {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00")), 0, 3, -1)
		return Field{text.Draw(t, "name"), text.Draw(t, "value")}
	}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := Fields(fields.Draw(t, "a")), Fields(fields.Draw(t, "b"))
		if slices.Equal(a, b) != (a.Key() == b.Key()) {
			t.Fatalf("%q and %q: equal %v, same key %v", a, b, slices.Equal(a, b), a.Key() == b.Key())
		}
	})
}

package transfer_test

import (
	"reflect"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// Values that a step can tell apart must not share a cache key, although their bytes may be the same.
func TestIdentity(t *testing.T) {
	t.Parallel()
	store, err := local.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	seen := map[string]any{}
	for _, v := range []any{[]byte(nil), []byte{}, "", []string(nil), []string{}, []float64(nil), []float64{}, map[string]int(nil), map[string]int{}} {
		c, err := codec.For(reflect.TypeOf(v), nil)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := transfer.Save(t.Context(), store, c, "T", v)
		if err != nil {
			t.Fatal(err)
		}
		id := transfer.Identity(rec)
		if other, ok := seen[id]; ok && reflect.TypeOf(other) == reflect.TypeOf(v) {
			t.Errorf("%#v and %#v have the same identity %s", v, other, id)
		}
		seen[id] = v
		list := transfer.Gather([]artifact.Record{rec}, "[]T")
		if other, ok := seen[transfer.Identity(list)]; ok && reflect.TypeOf(other) == reflect.TypeOf(v) {
			t.Errorf("lists of %#v and %#v have the same identity", v, other)
		}
		seen[transfer.Identity(list)] = v
	}
	file := artifact.Record{Codec: "file/1", Digest: "sha256:00", Meta: map[string]any{"name": "a.csv"}}
	other := file
	other.Meta = map[string]any{"name": "b.csv"}
	if transfer.Identity(file) == transfer.Identity(other) {
		t.Error("two files of different names have the same identity")
	}
}

package graph

import (
	"context"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/transfer"
)

// Port is an input or result as this process sees it.
type Port struct {
	Type  reflect.Type
	Text  string // structural form of Type, as the graph has it
	Codec codec.Codec
	// Elem and ElemText are the codec and structural type of the elements if Type is a slice: a gathered list is decoded element by
	// element.
	Elem     codec.Codec
	ElemText string
}

// Takes reports whether a value is of the type that the port reads, and which that is.
func (p Port) Takes(rec artifact.Record) (want string, ok bool) {
	if rec.Codec != artifact.GatherCodec {
		return p.Text, rec.Type == p.Text
	}
	if p.ElemText == "" {
		return p.Text, false
	}
	want = "[]" + p.ElemText // the list may have a codec of its own, but is read element by element
	return want, rec.Type == want
}

// Load reads a value of the type that the port takes. TempDir is as for [transfer.Load].
func (p Port) Load(ctx context.Context, store artifact.Store, rec artifact.Record, tempDir func() (string, error)) (any, error) {
	if rec.Codec == artifact.GatherCodec {
		return transfer.LoadList(ctx, store, p.Elem, p.Type, rec, tempDir)
	}
	return transfer.Load(ctx, store, p.Codec, rec, tempDir)
}

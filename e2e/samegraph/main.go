// Samegraph prints the digest of a graph. Its test holds the digest against those that other ways of building the program give.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

// Sample and its fields are named types of this package, which "go test" and "go run" name differently.
type Sample struct {
	At    time.Time
	Kind  Kind
	Notes map[Kind][]Note
}

// Kind is a named string.
type Kind string

// note is generic.
type note[T any] struct{ Value T }

// Note is an instance of it.
type Note = note[Kind]

type loadIn struct {
	Since time.Time
	Kinds []Kind
	Note  Note
}

type loadOut struct {
	Samples artifact.Ref[[]Sample]
	Large   artifact.Ref[bool]
}

func load(_ context.Context, in loadIn) (loadOut, error) {
	return loadOut{artifact.New([]Sample{{At: in.Since}}), artifact.New(false)}, nil
}

type oneIn struct {
	Sample artifact.Ref[Sample]
	Deep   map[string]artifact.Ref[[]Sample]
}

func one[T any](_ context.Context, _ oneIn) (artifact.Ref[note[T]], error) { //nolint:unparam // a step returns an error
	return artifact.New(note[T]{}), nil
}

type params struct{ Kinds []Kind }

var samples = pipeline.Define("samples", func(p *pipeline.Builder, in params) artifact.Ref[[]Note] {
	loaded := pipeline.Step(p, "load", load, loadIn{Since: time.Unix(1, 0).UTC(), Kinds: in.Kinds, Note: Note{"n"}})
	notes := pipeline.Map(p, "one", one[Kind], loaded.Samples, func(s artifact.Ref[Sample]) oneIn {
		return oneIn{Sample: s, Deep: map[string]artifact.Ref[[]Sample]{"b": loaded.Samples, "a": loaded.Samples}}
	}, pipeline.When(loaded.Large))
	return pipeline.Gather(notes, func(n artifact.Ref[Note]) artifact.Ref[Note] { return n })
})

func digest() (string, error) {
	g, err := samples.Graph(params{Kinds: []Kind{"x", "y"}})
	if err != nil {
		return "", err
	}
	return g.Digest()
}

func main() {
	d, err := digest()
	if err != nil {
		fmt.Fprintln(os.Stderr, "samegraph:", err)
		os.Exit(1)
	}
	fmt.Println(d)
}

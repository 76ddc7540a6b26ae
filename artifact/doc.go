// Package artifact holds the values that steps exchange, and the store that keeps them.
//
// A step receives and returns values as [Ref]s. While a pipeline is being built a Ref is an edge of its graph; inside a
// step it holds a value:
//
//	type TrainIn struct {
//		Rows artifact.Ref[[]Penguin]
//	}
//
//	func Train(ctx context.Context, in TrainIn) (artifact.Ref[Model], error) {
//		return artifact.New(fit(in.Rows.Value())), nil
//	}
//
// Values are encoded by the [Codec] of their type, which is chosen in this order: the pipeline's own codecs
// (pipeline.Codecs); [encoding.BinaryMarshaler] and [encoding.TextMarshaler]; []byte and string; [File], [Dir], [Blob] and
// [Table]; [image.Image] as PNG; slices of flat structs as Parquet; numeric slices as little-endian binary; and
// deterministic CBOR (RFC 8949, section 4.2) for everything else. A type that no codec can round-trip is an error when the
// pipeline is built, and the error names the field.
//
// Data that should not be held in memory uses [File], [Dir], [Blob] or [Table].
//
// [Source] is a parameter that names data from outside. Its content is pinned when a run is submitted and is part of the
// cache key.
//
// [Store] is the component interface: content addressed by SHA-256. Flavors live in folders of their own, artifact/local
// first; artifact/artifacttest is their conformance suite.
package artifact

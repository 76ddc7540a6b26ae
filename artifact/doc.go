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
// A unit test calls the function, with values made by [New].
//
// # How values are stored
//
// Values are encoded by the codec of their type, which is chosen in this order: the pipeline's own, each a [Codec] given to
// pipeline.Codecs; [File], [Dir], [Blob] and [Table]; [image.Image] as PNG; [encoding.BinaryMarshaler] and [encoding.TextMarshaler];
// []byte and string as they are; numeric slices as little-endian binary; slices of flat structs as Parquet; and deterministic CBOR
// (RFC 8949, section 4.2) for everything else. Values come back as they went: NaN and infinities, integers beyond 2^53, nil
// and empty, times and their zones. A type that would not is an error when the pipeline is built, and the error names the field.
//
// The encoded bytes are identified by their SHA-256, a [Digest]: the same value is stored once. A [Record] describes what was stored, and
// holds the bytes themselves if there are at most [InlineLimit]. Reading verifies the digest; bytes that changed are an error
// with code component.Corrupt, never a value.
//
// # Data that does not fit in memory
//
//   - [File] and [Dir] are local paths, for tools that work on files. What a step receives is a copy that it may change.
//   - [Table] is rows, as a slice of structs is, but read and written one by one.
//   - [Blob] is a stream that is opened when asked.
//
// Each is stored when the step that returned it has ended, while it is read, with bounded memory. The zero value of each names nothing:
// a step that returns one fails, with an error that says so.
//
// # Data from outside
//
// [Source] is a parameter that names a file, directory or URL. Its content is pinned when a run is submitted and is part of the
// cache key.
//
// # Stores
//
// [Store] is the component interface: content addressed by SHA-256. Flavors live in folders of their own, artifact/local
// first; artifact/artifacttest is their conformance suite, and [VerifyReader] does the checking for them.
package artifact

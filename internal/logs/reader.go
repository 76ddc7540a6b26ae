package logs

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Read yields the lines of chunks in order. It stops at the first error, whose code is NotFound for a chunk that is gone, or Corrupt.
func Read(ctx context.Context, store artifact.Store, chunks []metadata.LogChunk) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for _, c := range chunks {
			if !readChunk(ctx, store, c, yield) {
				return
			}
		}
	}
}

func readChunk(ctx context.Context, store artifact.Store, c metadata.LogChunk, yield func(Line, error) bool) bool {
	fail := func(err error) bool {
		yield(Line{}, err)
		return false
	}
	packed := io.NopCloser(bytes.NewReader(c.Inline))
	if c.Inline == nil {
		stored, err := store.Open(ctx, c.Digest)
		if err != nil {
			return fail(err)
		}
		packed = stored
	}
	defer packed.Close()
	dec, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return fail(component.Errorf(component.Corrupt, "read a log chunk: %w", err))
	}
	defer dec.Close()
	// A chunk says how large it is; one that unpacks to more was not written here.
	lines := bufio.NewScanner(io.LimitReader(dec, chunkSize+2*lineLimit))
	lines.Buffer(make([]byte, 0, 4<<10), 2*lineLimit)
	for lines.Scan() {
		line, err := Parse(bytes.Clone(lines.Bytes()))
		if err != nil {
			return fail(err)
		}
		if !yield(line, nil) {
			return false
		}
	}
	if err := lines.Err(); err != nil {
		return fail(component.Errorf(component.Corrupt, "read a log chunk: %w", err))
	}
	return true
}

package logs

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// Read yields the lines of chunks in order. It stops at the first error, whose code is NotFound for a chunk that is gone, or Corrupt. Store
// may be nil if all chunks are inline.
func Read(ctx context.Context, store artifact.Store, chunks []metadata.LogChunk) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for i, c := range chunks {
			more, err := readChunk(ctx, store, c, yield)
			if err != nil {
				yield(Line{}, fmt.Errorf("read chunk %d of a log: %w", i, err))
			}
			if !more {
				return
			}
		}
	}
}

// readChunk reports whether the next chunk is wanted.
func readChunk(ctx context.Context, store artifact.Store, c metadata.LogChunk, yield func(Line, error) bool) (bool, error) {
	packed, err := openChunk(ctx, store, c)
	if err != nil {
		return false, err
	}
	defer packed.Close()
	dec, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return false, corrupt(err)
	}
	defer dec.Close()
	count := 0
	rest := &io.LimitedReader{R: dec, N: c.Size + 1}
	lines := bufio.NewScanner(rest)
	lines.Buffer(make([]byte, 0, 4<<10), lineLimit+4<<10)
	for lines.Scan() {
		line, err := Parse(bytes.Clone(lines.Bytes()))
		if err != nil {
			return false, err
		}
		if !yield(line, nil) {
			return false, nil
		}
		count++
	}
	if err := lines.Err(); err != nil {
		return false, corrupt(err)
	}
	if rest.N != 1 || count != c.Lines {
		return false, component.Errorf(component.Corrupt, "it does not hold the %d lines in %d bytes that were recorded", c.Lines, c.Size)
	}
	return true, nil
}

func openChunk(ctx context.Context, store artifact.Store, c metadata.LogChunk) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.Inline != nil {
		return io.NopCloser(bytes.NewReader(c.Inline)), nil
	}
	return store.Open(ctx, c.Digest)
}

// corrupt keeps the code of an error that came from the store; any other is of the data.
func corrupt(err error) error {
	if component.CodeOf(err) != component.Unknown {
		return err
	}
	return component.Errorf(component.Corrupt, "%w", err)
}

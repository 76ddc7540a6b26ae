package codec

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tenon-ml/tenon/component"
)

// unpackedSize returns how many bytes a page unpacks to, or for Zstandard how many at most, whatever its header says. More than limit is an error.
// Where the packed form tells its size the page is not unpacked for that.
func unpackedSize(codec format.CompressionCodec, page *bufio.Reader, limit int64) (size int64, err error) {
	switch codec {
	case format.Snappy:
		var n uint64
		n, err = binary.ReadUvarint(page)
		size = int64(min(n, 1<<62))
	case format.Zstd:
		size, err = zstdBound(page, limit)
	case format.Gzip:
		var r *gzip.Reader
		if r, err = gzip.NewReader(page); err == nil {
			size, err = io.Copy(io.Discard, io.LimitReader(r, limit+1))
		}
	case format.Brotli:
		size, err = io.Copy(io.Discard, io.LimitReader(brotli.NewReader(page), limit+1))
	default:
		// The library's LZ4 takes every error for a buffer that is too small, and makes larger ones until memory ends.
		return 0, component.Errorf(component.Unsupported, "compression %v is not read: write the file with zstd, snappy or gzip", codec)
	}
	if err != nil {
		return 0, component.Errorf(component.Corrupt, "page is not %v: %w", codec, err)
	}
	if size > limit {
		return 0, component.Errorf(component.Corrupt, "page unpacks to more than %d bytes", limit)
	}
	return size, nil
}

// zstdBlock is what a block of Zstandard unpacks to at most.
const zstdBlock = 128 << 10

// zstdBound adds up what the blocks of all frames unpack to at most, up to the limit: frames need not tell their size.
func zstdBound(r *bufio.Reader, limit int64) (bound int64, err error) {
	for bound <= limit {
		head, err := r.Peek(zstd.HeaderMaxSize)
		if len(head) == 0 {
			return bound, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		var h zstd.Header
		if err := h.Decode(head); err != nil {
			return 0, err
		}
		if h.Skippable {
			if _, err := io.CopyN(io.Discard, r, int64(h.HeaderSize)+int64(h.SkippableSize)); err != nil {
				return 0, err
			}
			continue
		}
		if _, err := r.Discard(h.HeaderSize); err != nil {
			return 0, err
		}
		for last := false; !last && bound <= limit; {
			var b [3]byte
			if _, err := io.ReadFull(r, b[:]); err != nil {
				return 0, err
			}
			v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
			size := int64(v >> 3)
			last = v&1 != 0
			switch v >> 1 & 3 {
			case 0: // as it is
				bound += size
			case 1: // one byte, repeated
				bound, size = bound+size, 1
			case 2:
				bound += zstdBlock
			default:
				return 0, errors.New("block of no known kind")
			}
			if _, err := io.CopyN(io.Discard, r, size); err != nil {
				return 0, err
			}
		}
		if h.HasCheckSum {
			if _, err := r.Discard(4); err != nil {
				return 0, err
			}
		}
	}
	return bound, nil
}

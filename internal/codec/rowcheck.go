package codec

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tenon-ml/tenon/component"
)

const (
	// maxPage bounds a page, packed and unpacked. Writers make pages of about one MiB.
	maxPage = 256 << 20
	// maxPageValues bounds the values of a page, of which repeated ones take no space in the file.
	maxPageValues = 64 << 20
	// maxHeader bounds the header of a page, which may hold the least and the greatest value of the page.
	maxHeader = 8 << 20
	// sloppy is how many bytes the unpacked size in a header may be wrong by: it only sizes a buffer.
	sloppy = 1 << 20
)

// checkFooter refuses a footer that does not fit the file, before the Parquet library makes room for it.
func checkFooter(r io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return component.Errorf(component.Corrupt, "open parquet: %d bytes are no Parquet file", size)
	}
	if n, err := r.ReadAt(end[:], size-8); n < len(end) {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != "PAR1" || n > size-12 {
		return component.Errorf(component.Corrupt, "open parquet: the file does not end like a Parquet file")
	}
	walk := thriftWalk{r: bufio.NewReader(io.NewSectionReader(r, size-8-n, n)), limit: n}
	if err := walk.structure(0); err != nil {
		return component.Errorf(component.Corrupt, "open parquet: footer: %w", err)
	}
	return nil
}

// checkPages walks the page headers of a column chunk before it is read, since the Parquet library makes room for whatever a header claims.
func checkPages(r io.ReaderAt, size int64, meta *format.ColumnMetaData) error {
	start := meta.DataPageOffset
	if meta.DictionaryPageOffset != 0 {
		start = meta.DictionaryPageOffset
	}
	length := meta.TotalCompressedSize
	if start < 0 || length < 0 || start > size || length > size-start {
		return component.Errorf(component.Corrupt, "column chunk of %d bytes at %d in a file of %d", length, start, size)
	}
	section := io.NewSectionReader(r, start, length)
	buffered, packed := bufio.NewReaderSize(section, 512), bufio.NewReaderSize(nil, 4<<10)
	var protocol thrift.CompactProtocol
	for at := int64(0); at < length; {
		buffered.Reset(io.NewSectionReader(section, at, length-at))
		walk := thriftWalk{r: buffered, limit: min(length-at, maxHeader)}
		if err := walk.structure(0); err != nil {
			return component.Errorf(component.Corrupt, "page header at %d: %w", start+at, err)
		}
		head := make([]byte, walk.n)
		if _, err := section.ReadAt(head, at); err != nil {
			return err
		}
		var h format.PageHeader
		if err := thrift.Unmarshal(&protocol, head, &h); err != nil {
			return component.Errorf(component.Corrupt, "page header at %d: %w", start+at, err)
		}
		at += walk.n
		values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
		if h.CompressedPageSize < 0 || int64(h.CompressedPageSize) > length-at || h.UncompressedPageSize > maxPage || values > maxPageValues {
			return component.Errorf(component.Corrupt, "page of %d values and %d bytes, packed %d: at most %d values and %d bytes are read",
				values, h.UncompressedPageSize, h.CompressedPageSize, maxPageValues, maxPage)
		}
		size := int64(h.CompressedPageSize)
		if levels, ok := packedAt(&h); ok && meta.Codec != format.Uncompressed {
			packed.Reset(io.NewSectionReader(section, at+levels, size-levels))
			unpacked, err := unpackedSize(meta.Codec, packed, maxPage)
			if err != nil {
				return err
			}
			size = levels + unpacked
		}
		if int64(h.UncompressedPageSize) > 2*size+sloppy {
			return component.Errorf(component.Corrupt, "page claims to unpack to %d bytes, and unpacks to %d", h.UncompressedPageSize, size)
		}
		at += int64(h.CompressedPageSize)
	}
	return nil
}

// packedAt returns where the packed bytes of a page begin: version 2 leaves the levels in front as they are, and may leave all.
func packedAt(h *format.PageHeader) (offset int64, ok bool) {
	v2 := &h.DataPageHeaderV2.V
	if h.Type != format.DataPageV2 {
		return 0, true
	}
	if v2.IsCompressed.Valid && !v2.IsCompressed.V {
		return 0, false
	}
	return int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength), true
}

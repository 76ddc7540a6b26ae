package codec

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"image/color/palette"
	"reflect"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tenon-ml/tenon/component"
)

// allocated returns the bytes that the process has allocated so far.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// hostile types hold everything that a decoder makes room for.
type hostile struct {
	List   []string
	Wide   [][8]int64
	Map    map[string][]byte
	Ptr    **hostile
	Kids   []*hostile
	Levels []level
	F      float32
}

// FuzzCBOR: whatever the bytes, memory is bounded by their number, and what is accepted is written again as the same bytes.
func FuzzCBOR(f *testing.F) {
	for _, v := range []hostile{{}, {List: []string{"a"}, Wide: make([][8]int64, 2), Map: map[string][]byte{"x": nil}, Kids: []*hostile{nil, {}}, Levels: []level{1}}} {
		data, err := Canonical(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v hostile
		before := allocated()
		err := DecodeInto(data, &v)
		if used := allocated() - before; used > 16<<20+uint64(len(data))*1000 {
			t.Fatalf("%d bytes were allocated for %d bytes", used, len(data))
		}
		if err == nil {
			if again, err := Canonical(v); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%v\nread    %x\nwritten %x", err, data, again)
			}
		} else if component.CodeOf(err) != component.Invalid {
			t.Fatal(err)
		}
		if _, err := CanonicalJSON(data); err != nil && component.CodeOf(err) != component.Invalid {
			t.Fatal(err)
		}
		if p := previewCBOR(data); len(p) > previewLimit {
			t.Fatalf("preview of %d bytes", len(p))
		}
	})
}

// fuzzDecoder checks that a decoder neither panics nor allocates without bound, and that its errors have a code.
func fuzzDecoder(f *testing.F, c Codec, perByte, base uint64) {
	f.Helper()
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		v, err := c.Decode(t.Context(), stored{data: data})
		if used := allocated() - before; used > base+uint64(len(data))*perByte {
			t.Fatalf("%d bytes were allocated for %d bytes", used, len(data))
		}
		if err != nil {
			if component.CodeOf(err) == component.Unknown {
				t.Fatalf("error without a code: %v", err)
			}
			return
		}
		if reflect.TypeOf(v) != c.Type && c.Type.Kind() != reflect.Interface {
			t.Fatalf("a %T came out", v)
		}
	})
}

func FuzzNumeric(f *testing.F) {
	c := codecFor[[]int32](f)
	f.Add(encode(f, c, []int32{1, 2, 3}).data)
	f.Add(encode(f, c, []int32(nil)).data)
	fuzzDecoder(f, c, 4, 1<<20)
}

func FuzzImage(f *testing.F) {
	c := codecFor[image.Image](f)
	f.Add(encode(f, c, paint(image.NewNRGBA(image.Rect(1, 2, 5, 6)), true)).data)
	f.Add(encode(f, c, paint(image.NewPaletted(image.Rect(0, 0, 4, 4), palette.Plan9), false)).data)
	fuzzDecoder(f, c, 20*maxDeflate, 8<<20)
}

func FuzzParquet(f *testing.F) {
	type row struct { // small, since the fuzzer minimises what it finds byte by byte
		S string
		F *float64
		T time.Time
	}
	c := codecFor[[]row](f)
	f.Add(encode(f, c, []row{{S: "a", F: ptr(1.0), T: time.Unix(1, 0).In(time.FixedZone("X", 1))}, {}}).data)
	fuzzDecoder(f, c, 1<<16, 64<<20)
}

// TestDamagedParquet flips and cuts every byte of a file: each time the rows are the old ones or others, or there is an error.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	c := codecFor[[]flat](t)
	data := encode(t, c, []flat{{Name: "a", Mass: ptr(1.5), Photo: []byte("x")}, {Name: "b"}}).data
	for i := range data {
		flipped := bytes.Clone(data)
		flipped[i] ^= 1 << (i % 8)
		for _, damaged := range [][]byte{flipped, data[:i]} {
			_, err := c.Decode(t.Context(), stored{data: damaged})
			if err != nil && component.CodeOf(err) == component.Unknown {
				t.Errorf("byte %d: error without a code: %v", i, err)
			}
			if err == nil && len(damaged) < len(data) {
				t.Errorf("%d bytes of %d are accepted", i, len(data))
			}
		}
	}
}

// TestFooterThatLies: the size of a footer is looked at before room is made for it.
func TestFooterThatLies(t *testing.T) {
	t.Parallel()
	c := codecFor[[]flat](t)
	data := encode(t, c, []flat{{}}).data
	for _, size := range []uint32{1<<32 - 1, 1 << 31, uint32(len(data)) - 11} {
		b := bytes.Clone(data)
		binary.LittleEndian.PutUint32(b[len(b)-8:], size)
		_, err := c.Decode(t.Context(), stored{data: b})
		want(t, err, component.Corrupt, "open parquet: the file does not end like a Parquet file")
	}
	_, err := c.Decode(t.Context(), stored{data: []byte("PAR1")})
	want(t, err, component.Corrupt, "open parquet: 4 bytes are no Parquet file")
}

func TestPageHeadersThatLie(t *testing.T) {
	t.Parallel()
	chunk := func(h format.PageHeader, body int) ([]byte, *format.ColumnMetaData) {
		data, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, make([]byte, body)...)
		return data, &format.ColumnMetaData{TotalCompressedSize: int64(len(data))}
	}
	header := func(values, unpacked, packed int32) format.PageHeader {
		h := format.PageHeader{UncompressedPageSize: unpacked, CompressedPageSize: packed}
		h.DataPageHeader.Valid = true
		h.DataPageHeader.V.NumValues = values
		return h
	}
	for _, h := range []format.PageHeader{header(1, 4, 5), header(1, 4, -1), header(1, maxPage+1, 4), header(1, sloppy+9, 4), header(maxPageValues+1, 4, 4), header(1, 4, 1<<31-1)} {
		data, meta := chunk(h, 4)
		if err := checkPages(bytes.NewReader(data), int64(len(data)), meta); component.CodeOf(err) != component.Corrupt {
			t.Errorf("%+v: %v", h.DataPageHeader.V, err)
		}
	}
	data, meta := chunk(header(1, 4, 4), 4)
	if err := checkPages(bytes.NewReader(data), int64(len(data)), meta); err != nil {
		t.Error(err)
	}
	for _, m := range []format.ColumnMetaData{{DataPageOffset: -1}, {TotalCompressedSize: -1}, {TotalCompressedSize: 1 << 62}, {DataPageOffset: 1 << 62, TotalCompressedSize: 1 << 62}} {
		if err := checkPages(bytes.NewReader(data), int64(len(data)), &m); component.CodeOf(err) != component.Corrupt {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

// TestPackedBombs: what a page unpacks to is bounded whatever its header says.
func TestPackedBombs(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	for _, c := range []compress.Codec{&parquet.Snappy, &parquet.Gzip, &parquet.Zstd, &parquet.Brotli} {
		for size, ok := range map[int]bool{100: true, limit / 2: true, 4 * limit: false} {
			packed, err := c.Encode(nil, make([]byte, size))
			if err != nil {
				t.Fatal(err)
			}
			got, err := unpackedSize(c.CompressionCodec(), bufio.NewReader(bytes.NewReader(packed)), limit)
			if ok != (err == nil) || err != nil && component.CodeOf(err) != component.Corrupt || ok && got < int64(size) {
				t.Errorf("%s of %d bytes: %d, %v", c, size, got, err)
			}
			if _, err := unpackedSize(c.CompressionCodec(), bufio.NewReader(bytes.NewReader(packed[:3])), limit); size == 100 && c != &parquet.Snappy && err == nil {
				t.Errorf("%s: a cut page is accepted", c)
			}
		}
	}
	// A frame that does not tell its size, a frame to skip, and a second frame.
	var b bytes.Buffer
	b.WriteString("\x50\x2a\x4d\x18\x03\x00\x00\x00xxx")
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := w.Write(make([]byte, limit/10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackedSize(format.Zstd, bufio.NewReader(bytes.NewReader(b.Bytes())), limit); err != nil {
		t.Error(err)
	}
	second, err := parquet.Zstd.Encode(nil, make([]byte, limit))
	if err != nil {
		t.Fatal(err)
	}
	b.Write(second)
	_, err = unpackedSize(format.Zstd, bufio.NewReader(bytes.NewReader(b.Bytes())), limit)
	want(t, err, component.Corrupt, "page unpacks to more than 1048576 bytes")
}

package codec

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"reflect"
	"slices"

	"github.com/tenon-ml/tenon/component"
)

// imageCodec stores image.Image, *image.Gray, *image.Gray16, *image.NRGBA and *image.NRGBA64 as PNG, which any viewer shows. Other
// concrete types are stored field by field, since PNG would change them.
//
// Bounds and pixels come back equal, where the pixels of an image.Image are compared as color.NRGBA64: its dynamic type may differ.
// Bounds that do not begin at (0, 0) are kept in PNG's own offset chunk.
func imageCodec(t reflect.Type) (Codec, bool) {
	if !isImage(t) {
		return Codec{}, false
	}
	return Codec{Name: "png", Version: 1, Type: t, Encode: encodeImage, Decode: func(ctx context.Context, c Content) (any, error) {
		r, err := c.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		// The start is read first for the offset and a size that the decoder may be trusted with.
		start := make([]byte, offsetAt+offsetLen)
		n, err := io.ReadFull(r, start)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, ended(err)
		}
		start = start[:n]
		if err := checkPixels(start, c.Size()); err != nil {
			return nil, err
		}
		all := io.MultiReader(bytes.NewReader(start), r)
		img, err := png.Decode(all)
		if _, err := io.Copy(io.Discard, all); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, component.Errorf(component.Corrupt, "decode image: %w", err)
		}
		return imageAs(img, offsetOf(start), t), nil
	}}, true
}

// maxPixels bounds images in both directions: as many pixels take up to two gigabytes of memory.
const maxPixels = 1 << 28

// maxDeflate is how many bytes a byte of compressed data can become at most.
const maxDeflate = 1032

// checkPixels refuses a header that asks for more pixels than a file of that size can hold.
func checkPixels(start []byte, size int64) error {
	if len(start) < offsetAt || string(start[12:16]) != "IHDR" {
		return component.Errorf(component.Corrupt, "decode image: no PNG header")
	}
	width, height, depth := binary.BigEndian.Uint32(start[16:]), binary.BigEndian.Uint32(start[20:]), start[24]
	pixels := int64(width) * int64(height)
	if width > math.MaxInt32 || height > math.MaxInt32 || pixels > maxPixels || pixels*int64(depth)/8 > size*maxDeflate {
		return component.Errorf(component.Corrupt, "image of %d x %d pixels in %d bytes: at most %d are decoded", width, height, size, maxPixels)
	}
	return nil
}

func encodeImage(_ context.Context, w io.Writer, v any) (Info, error) {
	img, ok := v.(image.Image)
	if rv := reflect.ValueOf(v); !ok || rv.Kind() == reflect.Pointer && rv.IsNil() {
		return Info{}, component.Errorf(component.Invalid, "image is nil")
	}
	b := img.Bounds()
	if b.Empty() {
		return Info{}, component.Errorf(component.Invalid, "image is empty: PNG has no images without pixels")
	}
	if int64(b.Dx())*int64(b.Dy()) > maxPixels {
		return Info{}, component.Errorf(component.Invalid, "image of %d x %d pixels: at most %d are stored, use an artifact.File", b.Dx(), b.Dy(), maxPixels)
	}
	if b.Min.X < math.MinInt32 || b.Min.X > math.MaxInt32 || b.Min.Y < math.MinInt32 || b.Min.Y > math.MaxInt32 {
		return Info{}, component.Errorf(component.Invalid, "image begins at %v: PNG offsets have 32 bits", b.Min)
	}
	if b.Min != (image.Point{}) {
		w = &offsetWriter{w: w, chunk: offsetChunk(b.Min)}
	}
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(w, exact(img)); err != nil {
		return Info{}, err
	}
	return Info{Meta: map[string]any{"width": b.Dx(), "height": b.Dy()}, Preview: fmt.Sprintf("%d x %d pixels", b.Dx(), b.Dy())}, nil
}

// exact returns an image that the PNG encoder writes without rounding: it would write premultiplied colours, and those of a palette, with
// eight bits that are not premultiplied.
func exact(img image.Image) image.Image {
	switch img.ColorModel() {
	case color.RGBAModel, color.AlphaModel:
		if o, ok := img.(interface{ Opaque() bool }); !ok || !o.Opaque() {
			return wide{img}
		}
	}
	if p, ok := img.(image.PalettedImage); ok {
		colors, _ := p.ColorModel().(color.Palette)
		if slices.ContainsFunc(colors, func(c color.Color) bool {
			return color.NRGBA64Model.Convert(c) != color.NRGBA64Model.Convert(color.NRGBAModel.Convert(c))
		}) {
			return wide{img}
		}
	}
	return img
}

// wide shows an image as one of 16 bits that are not premultiplied.
type wide struct{ image.Image }

func (w wide) ColorModel() color.Model { return color.NRGBA64Model }
func (w wide) At(x, y int) color.Color { return color.NRGBA64Model.Convert(w.Image.At(x, y)) }

// imageAs moves a decoded image to its place and turns it into type t.
func imageAs(img image.Image, at image.Point, t reflect.Type) any {
	r := image.Rectangle{Min: at, Max: at.Add(img.Bounds().Size())}
	if t.Kind() == reflect.Interface || reflect.TypeOf(img) == t {
		return moved(img, r)
	}
	var to draw.Image
	switch t {
	case reflect.TypeFor[*image.Gray]():
		to = image.NewGray(r)
	case reflect.TypeFor[*image.Gray16]():
		to = image.NewGray16(r)
	case reflect.TypeFor[*image.NRGBA]():
		to = image.NewNRGBA(r)
	default:
		to = image.NewNRGBA64(r)
	}
	draw.Draw(to, r, img, img.Bounds().Min, draw.Src) // exact, since PNG reads only opaque images as another type
	return to
}

// moved gives an image that the PNG decoder made other bounds.
func moved(img image.Image, r image.Rectangle) image.Image {
	switch m := img.(type) {
	case *image.Gray:
		m.Rect = r
	case *image.Gray16:
		m.Rect = r
	case *image.RGBA:
		m.Rect = r
	case *image.RGBA64:
		m.Rect = r
	case *image.NRGBA:
		m.Rect = r
	case *image.NRGBA64:
		m.Rect = r
	case *image.Paletted:
		m.Rect = r
	}
	return img
}

const (
	offsetAt  = 8 + 12 + 13 // behind the signature and the header chunk
	offsetLen = 12 + 9
)

func offsetChunk(p image.Point) []byte {
	c := append(make([]byte, 0, offsetLen), 0, 0, 0, 9, 'o', 'F', 'F', 's')
	c = binary.BigEndian.AppendUint32(c, uint32(int32(p.X)))
	c = binary.BigEndian.AppendUint32(c, uint32(int32(p.Y)))
	c = append(c, 0) // the unit is the pixel
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func offsetOf(start []byte) image.Point {
	if len(start) < offsetAt+offsetLen || string(start[offsetAt+4:offsetAt+8]) != "oFFs" {
		return image.Point{}
	}
	c := start[offsetAt+8:]
	return image.Pt(int(int32(binary.BigEndian.Uint32(c))), int(int32(binary.BigEndian.Uint32(c[4:]))))
}

// offsetWriter puts the offset chunk behind the header chunk.
type offsetWriter struct {
	w     io.Writer
	chunk []byte
	n     int
}

func (o *offsetWriter) Write(p []byte) (int, error) {
	if o.n > offsetAt || o.n+len(p) <= offsetAt {
		o.n += len(p)
		return o.w.Write(p)
	}
	head := offsetAt - o.n
	o.n += len(p) + 1
	for _, part := range [...][]byte{p[:head], o.chunk, p[head:]} {
		if _, err := o.w.Write(part); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

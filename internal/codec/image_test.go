package codec

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/png"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
)

// paint fills an image with colours of every kind, also ones that are hardly visible.
func paint[T interface {
	Set(x, y int, c color.Color)
	Bounds() image.Rectangle
}](img T, alpha bool) T {
	r := rand.New(rand.NewPCG(1, 2))
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBA64{uint16(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32()), 0xffff}
			if alpha {
				c.A = uint16(r.Uint32()) >> r.IntN(17)
			}
			img.Set(x, y, c)
		}
	}
	return img
}

func comparePixels(t *testing.T, name string, want, got image.Image) {
	t.Helper()
	if want.Bounds() != got.Bounds() {
		t.Errorf("%s: bounds %v, want %v", name, got.Bounds(), want.Bounds())
		return
	}
	for y := want.Bounds().Min.Y; y < want.Bounds().Max.Y; y++ {
		for x := want.Bounds().Min.X; x < want.Bounds().Max.X; x++ {
			if a, b := color.NRGBA64Model.Convert(want.At(x, y)), color.NRGBA64Model.Convert(got.At(x, y)); a != b {
				t.Errorf("%s: pixel %d,%d is %v, want %v", name, x, y, b, a)
				return
			}
		}
	}
}

func TestImagesComeBack(t *testing.T) {
	t.Parallel()
	here, moved := image.Rect(0, 0, 33, 17), image.Rect(-5, 1<<20, 28, 1<<20+17)
	soft := color.Palette{color.RGBA{1, 2, 3, 4}, color.NRGBA64{1, 2, 3, 65535}, color.White}
	for _, r := range []image.Rectangle{here, moved} {
		opaque := paint(image.NewRGBA(r), false)
		ycc := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
		cmyk := paint(image.NewCMYK(r), false)
		for i := range ycc.Y {
			ycc.Y[i] = byte(i * 7)
		}
		for i := range ycc.Cb {
			ycc.Cb[i], ycc.Cr[i] = byte(i*31), byte(i*17)
		}
		for name, img := range map[string]image.Image{
			"rgba": paint(image.NewRGBA(r), true), "opaque": opaque, "rgba64": paint(image.NewRGBA64(r), true), "nrgba": paint(image.NewNRGBA(r), true),
			"nrgba64": paint(image.NewNRGBA64(r), true), "gray": paint(image.NewGray(r), false), "gray16": paint(image.NewGray16(r), false),
			"alpha": paint(image.NewAlpha(r), true), "alpha16": paint(image.NewAlpha16(r), true), "ycbcr": ycc, "cmyk": cmyk,
			"paletted": paint(image.NewPaletted(r, palette.WebSafe), false), "soft palette": paint(image.NewPaletted(r, soft), true),
			"uniform": &sub{image.NewUniform(color.NRGBA64{1, 2, 3, 4}), r},
		} {
			c := codecFor[image.Image](t)
			got := decode(t, c, encode(t, c, img)).(image.Image)
			comparePixels(t, name, img, got)
			comparePixels(t, name+" again", img, decode(t, c, encode(t, c, got)).(image.Image))
		}
		exactly(t, paint(image.NewGray(r), false))
		exactly(t, paint(image.NewGray16(r), false))
		exactly(t, paint(image.NewNRGBA(r), true))
		exactly(t, paint(image.NewNRGBA(r), false))
		exactly(t, paint(image.NewNRGBA64(r), true))
		exactly(t, paint(image.NewNRGBA64(r), false))
		trip(t, paint(image.NewRGBA(r), true)) // CBOR, field by field
	}
}

// sub gives an endless image bounds.
type sub struct {
	image.Image
	r image.Rectangle
}

func (s *sub) Bounds() image.Rectangle { return s.r }

func exactly[T image.Image](t *testing.T, img T) {
	t.Helper()
	c := codecFor[T](t)
	if c.ID() != "png/1" {
		t.Errorf("%T: codec %s", img, c.ID())
	}
	got := decode(t, c, encode(t, c, img))
	if _, ok := got.(T); !ok || !reflect.DeepEqual(got, any(img)) {
		t.Errorf("%T with bounds %v comes back different, as %T", img, img.Bounds(), got)
	}
}

func TestImageDescription(t *testing.T) {
	t.Parallel()
	s := encode(t, codecFor[image.Image](t), image.NewGray(image.Rect(-3, 0, 7, 4)))
	if s.info.Preview != "10 x 4 pixels" || !reflect.DeepEqual(s.info.Meta, map[string]any{"width": 10, "height": 4}) {
		t.Errorf("%+v", s.info)
	}
	// Any viewer reads it.
	img, err := png.Decode(bytes.NewReader(s.data))
	if err != nil || img.Bounds() != image.Rect(0, 0, 10, 4) {
		t.Error(img.Bounds(), err)
	}
}

func TestImagesThatCannotBeStored(t *testing.T) {
	t.Parallel()
	c := codecFor[image.Image](t)
	for _, tc := range []struct {
		img  any
		text string
	}{
		{nil, "image is nil"},
		{(*image.Gray)(nil), "image is nil"},
		{image.NewGray(image.Rect(0, 0, 0, 5)), "image is empty: PNG has no images without pixels"},
		{&sub{image.Black, image.Rect(0, 0, 1<<20, 1<<20)}, "image of 1048576 x 1048576 pixels: at most 268435456 are stored, use an artifact.File"},
		{&sub{image.Black, image.Rect(1<<40, 0, 1<<40+1, 1)}, "image begins at (1099511627776,0): PNG offsets have 32 bits"},
	} {
		_, err := c.Encode(t.Context(), &strings.Builder{}, tc.img)
		want(t, err, component.Invalid, tc.text)
	}
}

// TestImageBombs: a header that asks for gigabytes is refused before room is made for them.
func TestImageBombs(t *testing.T) {
	t.Parallel()
	c := codecFor[image.Image](t)
	good := encode(t, c, paint(image.NewNRGBA(image.Rect(0, 0, 4, 4)), true)).data
	bomb := func(width, height uint32, kind byte) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[16:], width)
		binary.BigEndian.PutUint32(b[20:], height)
		b[25] = kind
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
		return b
	}
	for _, data := range [][]byte{bomb(1<<14, 1<<14, 6), bomb(1<<16, 1<<16, 0), bomb(1<<31-1, 1<<31-1, 2), bomb(0xffffffff, 0xffffffff, 6), bomb(1<<14, 1<<14, 3)} {
		_, err := c.Decode(t.Context(), stored{data: data})
		if component.CodeOf(err) != component.Corrupt || !strings.HasPrefix(err.Error(), "image of ") {
			t.Errorf("%.40q: %v", data, err)
		}
	}
	for _, data := range [][]byte{
		good[:20], good[:60], good[:len(good)-13], {}, []byte("GIF89a, which is no PNG and longer than the headers of one are"),
	} {
		_, err := c.Decode(t.Context(), stored{data: data})
		if component.CodeOf(err) != component.Corrupt {
			t.Errorf("%.40q: %v", data, err)
		}
	}
}

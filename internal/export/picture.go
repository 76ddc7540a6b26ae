package export

import (
	"bytes"
	"context"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Picture is what the header of an image says.
type Picture struct {
	Format        string // "PNG", "JPEG" or "GIF"
	Width, Height int    // pixels
}

// PictureOf reads the header of content of the kind Image, and no more. The error of damaged content has the code Corrupt.
func PictureOf(ctx context.Context, c codec.Content) (Picture, error) {
	r, err := c.Open(ctx)
	if err != nil {
		return Picture{}, err
	}
	defer r.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return Picture{}, ended(err)
	}
	var p Picture
	var config image.Config
	all := io.MultiReader(bytes.NewReader(head), r)
	switch {
	case head[0] == 0xff:
		p.Format = "JPEG"
		config, err = jpeg.DecodeConfig(all)
	case string(head) == "GIF8":
		p.Format = "GIF"
		config, err = gif.DecodeConfig(all)
	default:
		p.Format = "PNG"
		config, err = png.DecodeConfig(all)
	}
	if err != nil {
		return Picture{}, component.Errorf(component.Corrupt, "content is no %s image: %w", p.Format, err)
	}
	p.Width, p.Height = config.Width, config.Height
	return p, nil
}

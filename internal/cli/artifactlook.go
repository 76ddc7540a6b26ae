package cli

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/export"
	"github.com/tenon-ml/tenon/metadata"
)

// glance is content as it is shown on a screen.
type glance struct {
	text strings.Builder
	rest string // what is not shown; empty if nothing is left out
}

const (
	// leftover rows of a terminal are for the command line, what is left out, and the next prompt.
	leftover = 5
	// leastRows are shown on any terminal.
	leastRows = 5
	// wholeText is up to which size a text is read to its end, to count its lines.
	wholeText = 64 << 20
	// wholeValue is up to which size a value is laid out.
	wholeValue = 1 << 20
)

// look shows as much of an artifact as fits the terminal.
func (c *cli) look(ctx context.Context, a metadata.Artifact, content *export.Content, kind export.Kind) error {
	width, height := c.out.size()
	g, err := c.glanceAt(ctx, a.Record, content, kind, width, max(leastRows, height-leftover))
	if err != nil {
		return err
	}
	if g.rest != "" {
		g.text.WriteString(c.out.paint(dim, "… "+g.rest) + "\n")
	}
	if _, err := io.WriteString(c.out.w, g.text.String()); err != nil {
		return err
	}
	hint := "-o " + shellQuote(fileName(a, export.Raw)) + " writes it to a file"
	if others := kind.Forms()[1:]; len(others) > 0 {
		names := make([]string, len(others))
		for i, f := range others {
			names[i] = "--as " + string(f)
		}
		hint += ", " + strings.Join(names, " or ") + " in another form"
	}
	fmt.Fprintln(c.err.w, c.err.paint(dim, hint))
	return nil
}

// glanceAt renders content in at most so many rows.
func (c *cli) glanceAt(ctx context.Context, rec artifact.Record, content *export.Content, kind export.Kind, width, rows int) (*glance, error) {
	g := &glance{}
	switch kind {
	case export.Rows:
		return g, c.glanceRows(ctx, g, content, width, rows)
	case export.Image:
		p, err := export.PictureOf(ctx, content)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&g.text, "%s image, %d × %d pixels, %s\n", p.Format, p.Width, p.Height, size(rec.Size))
		return g, nil
	case export.Archive:
		return g, glanceArchive(ctx, g, rec, content, rows)
	case export.Opaque:
		fmt.Fprintf(&g.text, "%s, written by codec %s from a value of type %s\n", size(rec.Size), oneLine(rec.Codec), fit(oneLine(rec.Type), 200))
		if p := strings.TrimRight(plainText(rec.Preview), "\n "); p != "" {
			g.text.WriteString(p + "\n")
		}
		return g, nil
	}
	p := &page{width: width, room: rows, counts: rec.Size <= wholeText}
	if err := writeText(ctx, p, content, kind, width); err != nil && !errors.Is(err, errFull) {
		return nil, err
	}
	p.close()
	g.text.WriteString(p.text.String())
	switch length, known := wholeOf(rec.Meta["length"]); {
	case p.total+p.shown == 0 && !p.cut:
		g.text.WriteString("empty\n")
	case p.cut && kind == export.Numbers && known:
		g.rest = "of " + count(length, "number")
	case p.counts && p.total > p.shown:
		g.rest = fmt.Sprintf("%d of %s", p.shown, count(p.total, "line"))
	case p.cut:
		g.rest = "of " + size(rec.Size)
	}
	return g, nil
}

// writeText writes content that is shown as text.
func writeText(ctx context.Context, w io.Writer, content *export.Content, kind export.Kind, width int) error {
	switch {
	case kind == export.Numbers:
		return export.NumbersText(ctx, w, content)
	case kind != export.Value:
		return writeAs(ctx, w, content, kind, export.Raw)
	case content.Size() > wholeValue:
		return writeAs(ctx, w, content, kind, export.JSON)
	}
	data, err := export.ValueJSON(ctx, content)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, jsonText(data, width)+"\n")
	return err
}

// glanceArchive lists the first files of a directory.
func glanceArchive(ctx context.Context, g *glance, rec artifact.Record, content *export.Content, rows int) error {
	r, err := content.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	list := grid{columns: []column{{right: true}, {flex: true}}}
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if len(list.rows) == rows {
			g.rest = "of " + factsOf(rec)
			break
		}
		length := size(h.Size)
		if h.Typeflag == tar.TypeDir {
			length = ""
		}
		list.add(text(length), text(oneLine(h.Name)))
	}
	if len(list.rows) == 0 {
		g.text.WriteString("an empty directory\n")
	}
	list.write(&g.text, &screen{env: func(string) string { return "" }})
	return nil
}

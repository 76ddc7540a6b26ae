package transfer

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codec"
)

// gatherSchema begins the manifest of every gathered list.
const gatherSchema = "tenon gather 1\n"

// Gather makes the record of a list from those of its elements, without encoding anything again. Its digest covers the elements'
// identities in order.
func Gather(records []artifact.Record, typ string) artifact.Record {
	h := sha256.New()
	_, _ = io.WriteString(h, gatherSchema)
	rec := artifact.Record{Codec: artifact.GatherCodec, Type: typ, Elements: records, Meta: map[string]any{"length": len(records)}}
	for i := range records {
		id := Identity(records[i])
		_, _ = fmt.Fprintf(h, "%d %s\n", len(id), id)
		rec.Size += records[i].Size
	}
	rec.Digest = artifact.NewDigest([32]byte(h.Sum(nil)))
	rec.Preview = gatherPreview(records)
	return rec
}

// gatherPreview lists the previews of the first elements, one line each if they are short.
func gatherPreview(records []artifact.Record) string {
	const shown, width = 8, 200
	var b strings.Builder
	for i, r := range records[:min(shown, len(records))] {
		first, _, more := strings.Cut(r.Preview, "\n")
		if len(first) > width {
			first, more = first[:width], true
		}
		first = strings.ToValidUTF8(first, "")
		if more {
			first += "…"
		}
		fmt.Fprintf(&b, "%d: %s\n", i, first)
	}
	if n := len(records) - shown; n > 0 {
		fmt.Fprintf(&b, "… %d more\n", n)
	}
	return codec.Printable(strings.TrimSuffix(b.String(), "\n"))
}

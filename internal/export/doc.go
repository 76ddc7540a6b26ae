// Package export turns stored content into forms that people and other tools read, where its Go type is not known: rows and numbers into CSV
// and JSON, values into JSON.
//
// Memory is bounded whatever the size of the content: rows and numbers stream, a larger value than [MaxValue] is refused. A float that JSON has no
// number for is one of the strings "NaN", "Infinity" and "-Infinity"; bytes are base64, times RFC 3339 with their offset.
package export

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/codec"
)

// Kind is what content is, for who reads it without its Go type.
type Kind string

// The kinds.
const (
	Rows    Kind = "rows"    // Parquet
	Numbers Kind = "numbers" // a slice of numbers
	Value   Kind = "value"   // CBOR
	Text    Kind = "text"
	Image   Kind = "image"   // PNG, JPEG or GIF
	Archive Kind = "archive" // tar: a directory
	Opaque  Kind = "opaque"  // anything else
)

// HeadSize is how many bytes of the start of content [KindOf] looks at.
const HeadSize = 512

// KindOf tells the kind of content by the ID of the codec that wrote it and, where that says nothing, by its start of at most HeadSize bytes.
func KindOf(codecID string, head []byte) Kind {
	if k := kindOfCodec(codecID); k != "" {
		return k
	}
	switch kind, _, _ := strings.Cut(http.DetectContentType(head), ";"); {
	case bytes.HasPrefix(head, []byte("PAR1")):
		return Rows
	case kind == "image/png", kind == "image/jpeg", kind == "image/gif":
		return Image
	case strings.HasPrefix(kind, "text/"):
		return Text
	}
	return Opaque
}

// kindOfCodec returns "" for a codec whose content may be anything.
func kindOfCodec(id string) Kind {
	name, version, err := codec.ParseID(id)
	if err != nil || version != 1 {
		return Opaque // nothing here knows another version
	}
	switch name {
	case "parquet":
		return Rows
	case "numeric":
		return Numbers
	case "cbor":
		return Value
	case "text", "marshaled-text":
		return Text
	case "png":
		return Image
	case "dir":
		return Archive
	}
	return ""
}

// Form is how content is written.
type Form string

// The forms.
const (
	Raw  Form = "raw"  // as it is stored
	JSON Form = "json" // one value; of rows one object a line
	CSV  Form = "csv"  // RFC 4180 with a header; null is an empty field
)

// Forms returns the forms that content of a kind can be written in; Raw is always the first.
func (k Kind) Forms() []Form {
	switch k {
	case Rows, Numbers:
		return []Form{Raw, JSON, CSV}
	case Value:
		return []Form{Raw, JSON}
	}
	return []Form{Raw}
}

// Has reports whether content of the kind can be written in a form.
func (k Kind) Has(f Form) bool { return slices.Contains(k.Forms(), f) }

package codec

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// previewLimit equals artifact.PreviewLimit, which this package cannot import; a test of package transfer holds them together.
const previewLimit = 2 << 10

const ellipsis = "…"

// Printable makes a preview of a text: valid UTF-8, control characters but line ends and tabs escaped, cut to the limit.
func Printable(s string) string {
	cut := len(s) > previewLimit
	if cut {
		s = s[:previewLimit]
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(s[len(s)-min(len(s), utf8.UTFMax):]) && len(s) > 0; i++ {
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	var b strings.Builder
	for _, r := range s {
		piece := string(r)
		if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
			piece = fmt.Sprintf(`\u%04x`, r)
		}
		if b.Len()+len(piece) > previewLimit-len(ellipsis) {
			cut = true
			break
		}
		b.WriteString(piece)
	}
	if cut {
		b.WriteString(ellipsis)
	}
	return b.String()
}

// PreviewStart says what content of the given size is, rather than showing it, unless it is text. Start is the content, or at least its first
// PreviewStartSize bytes.
func PreviewStart(start []byte, size int64) string {
	if size == 0 {
		return ""
	}
	if kind := http.DetectContentType(start); !strings.HasPrefix(kind, "text/plain") {
		return fmt.Sprintf("%d bytes, %s", size, kind)
	}
	return Printable(string(start[:min(len(start), PreviewStartSize)]))
}

// PreviewStartSize is how much of the start of content its preview may need.
const PreviewStartSize = 2 * previewLimit

// previewBytes is PreviewStart of content that is in memory.
func previewBytes(b []byte) string { return PreviewStart(b, int64(len(b))) }

// previewCBOR renders the start of encoded data as JSON.
func previewCBOR(start []byte) string {
	r := renderer{decoder: decoder{data: start}, limit: previewLimit, spaced: true}
	out, err := r.value(make([]byte, 0, 64))
	if err == nil && len(out) <= previewLimit {
		return string(out)
	}
	out = out[:min(len(out), previewLimit-len(ellipsis))]
	return strings.ToValidUTF8(string(out), "") + ellipsis
}

// CleanInfo checks and bounds what a user's codec described: metadata that is JSON, and a printable preview.
func CleanInfo(i Info) (Info, error) {
	i.Preview = Printable(i.Preview)
	if i.Meta == nil {
		return i, nil
	}
	data, err := json.Marshal(i.Meta)
	if err != nil {
		return i, fmt.Errorf("metadata is not JSON: %w", err)
	}
	if len(data) > 64<<10 {
		return i, fmt.Errorf("metadata of %d bytes: at most 64 KiB are kept", len(data))
	}
	i.Meta = nil
	err = json.Unmarshal(data, &i.Meta)
	return i, err
}

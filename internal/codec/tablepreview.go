package codec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	previewRows    = 10
	previewColumns = 8
	cellWidth      = 24 // runes
)

// tablePreview collects the first rows as text.
type tablePreview struct{ cells [][]string }

func (p *tablePreview) add(rows *Rows, batch reflect.Value) {
	for i := 0; i < batch.Len() && len(p.cells) < previewRows; i++ {
		var line []string
		for _, f := range rows.fields[:min(len(rows.fields), previewColumns)] {
			line = append(line, string(appendCell(nil, batch.Index(i).Field(f.index))))
		}
		p.cells = append(p.cells, line)
	}
}

func (p *tablePreview) render(rows *Rows, total int64) string {
	shown := rows.fields[:min(len(rows.fields), previewColumns)]
	widths := make([]int, len(shown))
	var head []string
	for i, f := range shown {
		head = append(head, clip(f.name))
		widths[i] = utf8.RuneCountInString(head[i])
		for _, line := range p.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range cells {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			switch {
			case numericKind(shown[i].typ.Kind()):
				c = pad + c
			case i < len(cells)-1:
				c += pad
			}
			if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(c)
		}
		b.WriteByte('\n')
	}
	line(head)
	for _, cells := range p.cells {
		line(cells)
	}
	if more := total - int64(len(p.cells)); more > 0 {
		fmt.Fprintf(&b, "%s %d more rows\n", ellipsis, more)
	}
	if more := len(rows.fields) - len(shown); more > 0 {
		fmt.Fprintf(&b, "%s %d more columns\n", ellipsis, more)
	}
	return Printable(b.String())
}

func clip(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(strconv.QuoteToGraphic(s), `"`), `"`)
	if utf8.RuneCountInString(s) <= cellWidth {
		return s
	}
	return string([]rune(s)[:cellWidth-1]) + ellipsis
}

// appendCell formats a plain value for people.
func appendCell(out []byte, v reflect.Value) []byte {
	if t, ok := v.Interface().(time.Time); ok {
		return t.AppendFormat(out, time.RFC3339)
	}
	switch k := v.Kind(); {
	case k == reflect.Pointer && v.IsNil():
		return append(out, "null"...)
	case k == reflect.Pointer:
		return appendCell(out, v.Elem())
	case k == reflect.Bool:
		return strconv.AppendBool(out, v.Bool())
	case k == reflect.Float32:
		return strconv.AppendFloat(out, v.Float(), 'g', -1, 32)
	case k == reflect.Float64:
		return strconv.AppendFloat(out, v.Float(), 'g', -1, 64)
	case v.CanInt():
		return strconv.AppendInt(out, v.Int(), 10)
	case v.CanUint():
		return strconv.AppendUint(out, v.Uint(), 10)
	case k == reflect.String:
		s := v.String()
		return append(out, clip(s[:min(len(s), 8*cellWidth)])...)
	case k == reflect.Slice && v.IsNil():
		return append(out, "null"...)
	}
	return fmt.Appendf(out, "%d bytes", v.Len())
}

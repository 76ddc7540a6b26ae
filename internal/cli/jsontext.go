package cli

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tenon-ml/tenon/internal/codec"
)

// jsonText lays out JSON for a screen: what fits a line is in one, and so are as many scalars of a list as fit. A width of 0 means 80. What it cannot
// read, such as values nested too deep, comes back as it is.
func jsonText(data []byte, width int) string {
	if width <= 0 {
		width = 80
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	root, err := readJSON(dec)
	if err != nil {
		return string(data)
	}
	l := jsonLayout{width: width}
	l.write(root, 0, 0)
	return l.out.String()
}

// jsonNode is a value: a scalar, a list, or an object with keys.
type jsonNode struct {
	text  string // of a scalar
	open  byte   // '[' or '{'; 0 for a scalar
	keys  []string
	items []jsonNode
	width int // in one line
}

func readJSON(dec *json.Decoder) (jsonNode, error) {
	token, err := dec.Token()
	if err != nil {
		return jsonNode{}, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		text := scalarText(token)
		return jsonNode{text: text, width: textWidth(text)}, nil
	}
	n := jsonNode{open: byte(delim), width: len("[]")}
	for dec.More() {
		if n.open == '{' {
			key, err := dec.Token()
			if err != nil {
				return n, err
			}
			n.keys = append(n.keys, scalarText(key)+": ")
			n.width += textWidth(n.keys[len(n.keys)-1])
		}
		item, err := readJSON(dec)
		if err != nil {
			return n, err
		}
		if len(n.items) > 0 {
			n.width += len(", ")
		}
		n.items = append(n.items, item)
		n.width += item.width
	}
	_, err = dec.Token() // the end
	return n, err
}

func scalarText(token json.Token) string {
	switch v := token.(type) {
	case string:
		return string(codec.AppendJSONString(nil, v))
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return "null"
}

type jsonLayout struct {
	out   strings.Builder
	width int
}

const jsonIndent = 2

// write writes a node at a level; taken is the width of what stands before it in its line.
func (l *jsonLayout) write(n jsonNode, level, taken int) {
	if n.open == 0 || len(n.items) == 0 || taken+n.width < l.width { // a comma may follow
		l.inline(n)
		return
	}
	l.out.WriteByte(n.open)
	indent := strings.Repeat(" ", min((level+1)*jsonIndent, l.width/2))
	used := l.width // begin with a new line
	for i, item := range n.items {
		packed := n.open == '[' && item.open == 0
		if packed && used+len(", ")+item.width < l.width {
			l.out.WriteByte(' ')
			used++
		} else {
			l.out.WriteString("\n" + indent)
			used = len(indent)
		}
		if n.open == '{' {
			l.out.WriteString(n.keys[i])
			used += textWidth(n.keys[i])
		}
		l.write(item, level+1, used)
		if used += item.width; !packed {
			used = l.width
		}
		if i < len(n.items)-1 {
			l.out.WriteByte(',')
			used++
		}
	}
	l.out.WriteString("\n" + strings.Repeat(" ", min(level*jsonIndent, l.width/2)) + string(closing(n.open)))
}

// inline writes a node in one line.
func (l *jsonLayout) inline(n jsonNode) {
	if n.open == 0 {
		l.out.WriteString(n.text)
		return
	}
	l.out.WriteByte(n.open)
	for i, item := range n.items {
		if i > 0 {
			l.out.WriteString(", ")
		}
		if n.open == '{' {
			l.out.WriteString(n.keys[i])
		}
		l.inline(item)
	}
	l.out.WriteByte(closing(n.open))
}

func closing(open byte) byte {
	if open == '{' {
		return '}'
	}
	return ']'
}

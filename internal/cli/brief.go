package cli

import (
	"fmt"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
)

// brief is one line that shows a value: a file by its name, a table by its columns, anything else by how it begins.
func brief(rec artifact.Record) string {
	const most = 60
	if name, ok := rec.Meta["name"].(string); ok && name != "" {
		return fit(oneLine(name), most)
	}
	if names := columnNames(rec); len(names) > 0 {
		return fit(oneLine(strings.Join(names, ", ")), most)
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(plainText(rec.Preview)), "\n")
	switch {
	case first == "":
		return fit(oneLine(rec.Type), most)
	case rest != "":
		return fit(first, most-2) + " …"
	}
	return fit(first, most)
}

// columnNames returns the names of the columns of a table.
func columnNames(rec artifact.Record) []string {
	columns, _ := rec.Meta["columns"].([]any)
	var names []string
	for _, c := range columns {
		column, _ := c.(map[string]any)
		if name, ok := column["name"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// factsOf is what a codec found out about a value: its size and extent.
func factsOf(rec artifact.Record) string {
	var parts []string
	if rec.Size >= 1024 { // the size of a number says nothing
		parts = append(parts, size(rec.Size))
	}
	if n, ok := wholeOf(rec.Meta["rows"]); ok {
		parts = append(parts, count(n, "row"))
	}
	if w, ok := wholeOf(rec.Meta["width"]); ok {
		if h, ok := wholeOf(rec.Meta["height"]); ok {
			parts = append(parts, fmt.Sprintf("%d×%d", w, h))
		}
	}
	if n, ok := wholeOf(rec.Meta["files"]); ok {
		parts = append(parts, count(n, "file"))
	}
	if len(rec.Elements) > 0 {
		parts = append(parts, count(len(rec.Elements), "element"))
	}
	return strings.Join(parts, ", ")
}

// wholeOf returns a number that a codec found out.
func wholeOf(meta any) (n int, ok bool) {
	switch n := meta.(type) {
	case float64: // from JSON
		return int(n), true
	case int:
		return n, true
	}
	return 0, false
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
)

// fileNames returns a different name for each file, by which its steps are called: that of the file, as far as the names of steps allow.
func fileNames(files []artifact.Source) []string {
	names := make([]string, len(files))
	for i, file := range files {
		name := stepName(file)
		if name == "" || slices.Contains(names[:i], name) {
			name = strings.TrimPrefix(fmt.Sprintf("%s-no.%d", name, i+1), "-")
		}
		names[i] = name
	}
	return names
}

// stepName returns the name of a file without folder and extension, and with a dash for whatever steps cannot be called. It may be empty.
func stepName(file artifact.Source) string {
	name, _, _ := strings.Cut(file.URI(), "?")
	name = name[strings.LastIndexAny(name, `/\:`)+1:]
	name = strings.TrimSuffix(name, ".parquet")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, name)
	return strings.Trim(name[:min(len(name), 60)], "._-")
}

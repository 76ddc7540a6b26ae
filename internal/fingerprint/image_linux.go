package fingerprint

import (
	"fmt"
	"os"
	"strings"
)

// loadedImage finds the mappings of the file that holds the code of this package. Without the file system /proc it is empty.
func loadedImage() *image {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return &image{}
	}
	code := codeOf(FuncOf)
	files := map[string]*image{}
	own := &image{}
	for line := range strings.Lines(string(maps)) { // start-end perms offset device inode path
		f := strings.Fields(line)
		if len(f) < 6 || f[4] == "0" {
			continue
		}
		var s span
		if _, err := fmt.Sscanf(f[0], "%x-%x", &s.start, &s.end); err != nil {
			return &image{}
		}
		file := f[3] + " " + f[4]
		if files[file] == nil {
			files[file] = &image{}
		}
		files[file].spans = append(files[file].spans, s)
		if s.start <= code && code < s.end {
			own = files[file]
		}
	}
	return own
}

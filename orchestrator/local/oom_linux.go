package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomKills is a file of the kernel with a line "oom_kill N": how many processes it killed for want of memory, in the control group of
// this process if that is told, and otherwise on the machine. Empty if there is none.
type oomKills string

func newOOMKills() oomKills {
	for _, file := range oomKillFiles() {
		if k := oomKills(file); k.count() >= 0 {
			return k
		}
	}
	return ""
}

func oomKillFiles() []string {
	const root = "/sys/fs/cgroup"
	var files []string
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) { // "0::/path" of version 2, "4:memory:/path" of version 1
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		switch {
		case parts[0] == "0":
			files = append(files, filepath.Join(root, parts[2], "memory.events"), filepath.Join(root, "memory.events"))
		case parts[1] == "memory":
			files = append(files, filepath.Join(root, "memory", parts[2], "memory.oom_control"), filepath.Join(root, "memory", "memory.oom_control"))
		}
	}
	return append(files, "/proc/vmstat")
}

// count returns the number of processes killed so far; -1 if that is not known.
func (k oomKills) count() int64 {
	if k == "" {
		return -1
	}
	text, err := os.ReadFile(string(k))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

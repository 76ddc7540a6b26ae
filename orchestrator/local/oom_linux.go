package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// oomKills counts the processes that the kernel killed for want of memory.
type oomKills struct {
	file string // with a line "oom_kill N"; empty if there is none

	mu   sync.Mutex
	last int64
	read time.Time
}

// newOOMKills returns a counter for the control group of this process, or else for the machine.
func newOOMKills() *oomKills {
	for _, file := range oomKillFiles() {
		if k := (&oomKills{file: file}); k.count() >= 0 {
			return k
		}
	}
	return &oomKills{}
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

// recent returns the number of processes killed so far, or until a moment ago; -1 if that is not known.
func (k *oomKills) recent() int64 {
	const moment = time.Second
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.read) > moment {
		k.look()
	}
	return k.last
}

// count returns the number of processes killed so far; -1 if that is not known.
func (k *oomKills) count() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.look()
	return k.last
}

func (k *oomKills) look() {
	k.last, k.read = -1, time.Now()
	text, err := os.ReadFile(k.file)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64); err == nil {
				k.last = n
			}
		}
	}
}

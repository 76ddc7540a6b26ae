package procgroup

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/step"
)

const (
	// moreVictim is how much likelier than its host a worker is chosen when the kernel runs out of memory, in thousandths of all memory.
	moreVictim = 100
	maxVictim  = 1000
)

// Fields of /proc/PID/stat, counted after the name. The first thread of a process is a zombie while others still die.
const (
	statState   = 0
	statGroup   = 2
	statThreads = 17
)

type platform struct {
	hostPeak step.Bytes
}

// started notes what is to be known of the host at the moment of the start, and lets the kernel prefer the worker when it must kill one.
func (g *Group) started() {
	g.hostPeak = hostPeak()
	if score, ok := raisedScore(); ok {
		_ = os.WriteFile(procFile(g.pid(), "oom_score_adj"), score, 0)
	}
}

// raisedScore returns what makes a worker a likelier victim than this process.
var raisedScore = sync.OnceValues(func() ([]byte, bool) {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return nil, false
	}
	own, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	return strconv.AppendInt(nil, int64(min(own+moreVictim, maxVictim)), 10), err == nil
})

// await returns when the leader has ended, and leaves it to be reaped. It reports false if that cannot be told.
func (g *Group) await() bool {
	for {
		err := unix.Waitid(unix.P_PID, g.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err == nil
		}
	}
}

// lives reports whether the group has a member that is no zombie. A container whose first process reaps nobody keeps zombies for ever.
func (g *Group) lives() bool {
	for pid := range processes() {
		stat, err := os.ReadFile(procFile(pid, "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(" ")) // after the name, which may hold anything
		fields := strings.Fields(string(rest))
		if len(fields) > statThreads && fields[statGroup] == strconv.Itoa(g.pid()) && (fields[statState] != "Z" || fields[statThreads] != "1") {
			return true
		}
	}
	return false
}

// endEscaped kills what left the group, if the leader was killed or failed, and reports whether there was anything.
func (g *Group) endEscaped() bool {
	if state := g.cmd.ProcessState; !g.wasKilled() && state != nil && state.Success() {
		return false
	}
	found := false
	for pid := range processes() {
		if g.marked(pid) && g.killMarked(pid) {
			found = true
		}
	}
	return found
}

func (g *Group) wasKilled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.killed
}

// killMarked kills the process with the given number if it has the mark. The number may be given again at any moment; a handle names one
// process.
func (g *Group) killMarked(pid int) bool {
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(handle) //nolint:errcheck // only a handle
	return g.marked(pid) && unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0) == nil
}

// marked reports whether the process was started with the group's mark in its environment. Those of other users cannot be read.
func (g *Group) marked(pid int) bool {
	env, err := os.ReadFile(procFile(pid, "environ"))
	if err != nil {
		return false
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if string(v) == g.mark {
			return true
		}
	}
	return false
}

// processes returns the numbers of all processes.
func processes() func(yield func(int) bool) {
	return func(yield func(int) bool) {
		dir, err := os.Open("/proc")
		if err != nil {
			return
		}
		names, _ := dir.Readdirnames(-1)
		_ = dir.Close()
		for _, name := range names {
			if pid, err := strconv.Atoi(name); err == nil && !yield(pid) {
				return
			}
		}
	}
}

func procFile(pid int, name string) string { return "/proc/" + strconv.Itoa(pid) + "/" + name }

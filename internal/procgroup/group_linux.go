package procgroup

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/step"
)

const (
	// moreVictim is how much likelier than its host a worker is chosen when the kernel runs out of memory, in thousandths of all memory.
	moreVictim = 100
	maxVictim  = 1000
)

// markedPatience bounds the time in which marked processes are killed that start others all the time.
const markedPatience = time.Second

// Fields of /proc/PID/stat, counted after the name. The first thread of a process is a zombie while others still die.
const (
	statState   = 0
	statGroup   = 2
	statThreads = 17
	statEnv     = 47
	statEnvEnd  = 48
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
		fields := statFields(pid)
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
	return endMarked(g.mark)
}

// KillMarked ends all other processes that were started with the variable "NAME=value" in their environment, at once, as far as the system
// tells which these are: on Linux, those of the same user. A leader calls it before [KillOwn], when nobody is left who would look for
// what has escaped.
func KillMarked(mark string) {
	for end := time.Now().Add(markedPatience); endMarked(mark) && time.Now().Before(end); <-time.After(firstPause) {
	}
}

// endMarked reports whether there was anything to kill. It looks twice, since what forks and ends while one looks leaves a child that came too
// late to be seen.
func endMarked(mark string) bool {
	found := killMarked(mark)
	return found || killMarked(mark)
}

// killMarked reports whether there was anything to kill, or may have been. What has been killed may be seen once more.
func killMarked(mark string) (again bool) {
	for pid := range processes() {
		if pid == os.Getpid() {
			continue
		}
		switch yes, executing := marked(pid, mark); {
		case executing:
			again = true
		case yes && kill(pid, mark):
			again = true
		}
	}
	return again
}

func (g *Group) wasKilled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.killed
}

// kill kills the process with the given number if it has the mark, and reports whether there was anything to kill, or may have been. The
// number may be given again at any moment; a handle names one process.
func kill(pid int, mark string) bool {
	handle, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(handle) //nolint:errcheck // only a handle
	yes, executing := marked(pid, mark)
	return executing || yes && unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0) == nil
}

// marked reports whether the process was started with the mark in its environment. Those of other users cannot be read. A process that is just
// executing a program has none for a moment.
func marked(pid int, mark string) (yes, executing bool) {
	env, err := os.ReadFile(procFile(pid, "environ"))
	if err != nil {
		return false, false
	}
	if len(env) == 0 {
		return false, executes(pid)
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if string(v) == mark {
			return true, false
		}
	}
	return false, false
}

// executes reports whether a process that was seen without an environment will have one, or has one by now: it has a program, unlike a zombie
// and a thread of the kernel, and the place of its environment is not known yet or not empty, unlike that of a process that was given none.
func executes(pid int) bool {
	if _, err := os.Readlink(procFile(pid, "exe")); err != nil {
		return false
	}
	fields := statFields(pid)
	return len(fields) > statEnvEnd && (fields[statEnvEnd] == "0" || fields[statEnvEnd] != fields[statEnv])
}

// statFields returns the fields of /proc/PID/stat after the name, which may hold anything; none if the process is gone.
func statFields(pid int) []string {
	stat, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return nil
	}
	_, rest, _ := bytes.Cut(stat[max(0, bytes.LastIndexByte(stat, ')')):], []byte(" "))
	return strings.Fields(string(rest))
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

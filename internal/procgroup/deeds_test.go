package procgroup_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/internal/procgroup"
)

// deedEnv names what this binary does instead of its tests.
const deedEnv = "PROCGROUP_TEST_DEED"

const limit = 64 << 20

var deeds = map[string]func(){
	"exit":                func() { os.Exit(3) },
	"sleep":               func() { time.Sleep(time.Hour) },
	"own":                 procgroup.KillOwn,
	"child and own":       childAndOwn,
	"parent of own":       parentOfOwn,
	"end escaped":         endEscaped,
	"leave a large child": leaveLargeChild,
	"large":               large,
	"allocate":            allocate,
	"allocate a lot":      func() { limitMemory(); makeSlice(1 << 33) },
	"stay below":          stayBelow,
	"peak":                func() { fmt.Print(int64(procgroup.PeakMemory())) },
	"peak of 64 MiB":      func() { makeSlice(64 << 20); fmt.Print(int64(procgroup.PeakMemory())) },
	"leave the terminal":  leaveTerminal,
	"keep the terminal":   keepTerminal,
	"leave a zombie":      leaveZombie,
	"keep the zombie":     keepZombie,
}

func TestMain(m *testing.M) {
	if deed, ok := deeds[os.Getenv(deedEnv)]; ok {
		deed()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// self is a command that does a deed.
func self(deed string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), deedEnv+"="+deed)
	return cmd
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
}

func childAndOwn() {
	child := self("sleep")
	child.Stdout = os.Stdout
	check(child.Start())
	procgroup.KillOwn()
}

// parentOfOwn is not killed with its child.
func parentOfOwn() {
	if err := self("own").Run(); err == nil {
		os.Exit(1)
	}
	os.Exit(7)
}

// leaveLargeChild ends when its child has used much memory.
func leaveLargeChild() {
	child := self("large")
	child.Stdout = os.Stdout
	told, err := child.StderrPipe()
	check(err)
	check(child.Start())
	_, err = bufio.NewReader(told).ReadString('\n')
	check(err)
}

func large() {
	s := makeSlice(512 << 20)
	fmt.Fprintln(os.Stderr, "large")
	time.Sleep(time.Hour)
	runtime.KeepAlive(s)
}

func limitMemory() { check(procgroup.LimitMemory(limit)) }

// makeSlice makes and uses a slice of n bytes.
//
//go:noinline
func makeSlice(n int) []byte {
	s := make([]byte, n)
	for i := 0; i < len(s); i += 4096 {
		s[i] = 1
	}
	return s
}

// allocate uses ever more memory.
func allocate() {
	limitMemory()
	for n := 1; ; n *= 2 {
		makeSlice(n << 20)
	}
}

// stayBelow uses much memory, one piece after the other, and many threads.
func stayBelow() {
	limitMemory()
	for range 100 {
		makeSlice(10 << 20)
	}
	const threads = 100
	var ready, done sync.WaitGroup
	ready.Add(threads)
	for range threads {
		done.Go(func() {
			runtime.LockOSThread()
			ready.Done()
			ready.Wait()
		})
	}
	done.Wait()
}

package local_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"

	"runtime/debug"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/internal/procgroup"
	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
	"github.com/tenon-ml/tenon/step"
)

// actEnv names what this binary does as a worker.
const actEnv = "LOCAL_TEST_ACT"

// acts are ways to end.
var acts = map[string]func(){
	"end":                 func() {},
	"exit":                func() { fmt.Println("one\ntwo"); fmt.Fprint(os.Stderr, "last words"); os.Exit(3) },
	"exit in silence":     func() { os.Exit(3) },
	"log.Fatal":           func() { fmt.Println("panic: at the disco"); log.Fatal("no database") },
	"panic":               func() { go panic("boom\nand more"); forever() },
	"panic with an error": func() { go panic(fmt.Errorf("read: %w", os.ErrNotExist)); forever() },
	"panic again":         panicAgain,
	"nil pointer":         func() { var p *os.ProcAttr; go fmt.Println(p.Dir); forever() },
	"map writes":          mapWrites,
	"map writes of many":  func() { waitMany(); mapWrites() },
	"stack overflow":      func() { debug.SetMaxStack(1 << 20); fmt.Println(recurse(1)) },
	"out of memory":       func() { limitMemory(); allocate(1 << 20) },
	"far out of memory":   func() { limitMemory(); allocate(1 << 33) },
	"tell and sleep":      func() { fmt.Printf("%d\nready\n", os.Getpid()); forever() },
	"sleep":               func() { fmt.Println("ready"); forever() },
	"large":               func() { allocateOnce(256 << 20); fmt.Println("ready"); forever() },
	"peak":                func() { allocateOnce(256 << 20) },
	"burn":                burn,
	"print 100 MB":        print100MB,
	"print in turn":       printInTurn,
	"who":                 who,
	"host":                host,
	"patient host":        hostIsPatient,
	"host without files":  hostWithoutFiles,
}

func TestMain(m *testing.M) {
	if code, ok := orchestratortest.Work(); ok {
		os.Exit(code)
	}
	if act, ok := acts[os.Getenv(actEnv)]; ok {
		act()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func forever() { time.Sleep(time.Hour) }

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
}

func panicAgain() {
	go func() {
		defer func() { panic(fmt.Sprint("again: ", recover())) }()
		panic("boom")
	}()
	forever()
}

// waitMany starts goroutines whose stacks fill a long report.
func waitMany() {
	for range 2000 {
		go forever()
	}
}

func mapWrites() {
	m := map[int]int{}
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				m[i%10] = i
			}
		}()
	}
	forever()
}

//go:noinline
func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return recurse(n+1) + 1
}

const memory step.Bytes = 64 << 20

func limitMemory() { check(procgroup.LimitMemory(memory)) }

//go:noinline
func allocateOnce(n int) []byte {
	s := make([]byte, n)
	for i := 0; i < len(s); i += 4096 {
		s[i] = 1
	}
	return s
}

func allocate(n int) {
	for all := [][]byte{}; ; {
		all = append(all, allocateOnce(n))
	}
}

// burn uses the processor for a while.
func burn() {
	block := make([]byte, 1<<20)
	for range 512 {
		sha256.Sum256(block)
	}
}

const printed = 100 << 20

func print100MB() {
	line := strings.Repeat("x", 99) + "\n"
	block := strings.Repeat(line, 1<<10)
	for n := 0; n < printed; n += len(block) {
		_, err := io.WriteString(os.Stdout, block[:min(len(block), printed-n)])
		check(err)
	}
}

// printInTurn prints to both streams.
func printInTurn() {
	for i := range 1000 {
		fmt.Fprintln(os.Stdout, 2*i)
		fmt.Fprintln(os.Stderr, 2*i+1)
	}
}

func who() {
	self, err := os.Executable()
	check(err)
	fmt.Println("the test binary as", os.Args, "from", self)
}

package local_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/orchestrator/local"
)

func hostRunner(act string) orchestrator.Runner {
	o, err := local.New(local.Config{Runner: local.RunnerProcess})
	check(err)
	r, err := o.Runner(context.Background(), orchestrator.Run{ID: "run", Program: program(act)}, nil)
	check(err)
	return r
}

// host replaces its own file, and runs an attempt.
func host() {
	self, err := os.Executable()
	check(err)
	r := hostRunner("who")
	attempt := orchestrator.Attempt{ID: "attempt", Output: os.Stdout}
	_, err = r.Run(context.Background(), attempt)
	check(err)
	check(os.Remove(self))
	_, err = r.Run(context.Background(), attempt)
	check(err)
	check(os.WriteFile(self, []byte("#!/bin/sh\necho another program\n"), 0o700))
	_, err = r.Run(context.Background(), attempt)
	check(err)
}

// hostWithoutFiles runs an attempt when no further file can be opened.
func hostWithoutFiles() {
	r := hostRunner("end")
	check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 5, Max: 5}))
	_, err := r.Run(context.Background(), orchestrator.Attempt{ID: "attempt"})
	fmt.Println(component.CodeOf(err), "|", err)
}

const patientHost = time.Second

// hostIsPatient waits for a claim for a second. It comes when the host was suspended and goes on.
func hostIsPatient() {
	o, err := local.New(local.Config{Runner: local.RunnerProcess})
	check(err)
	r, err := local.WithTiming(o, patientHost, time.Minute).Runner(context.Background(), orchestrator.Run{ID: "run", Program: program("sleep")}, nil)
	check(err)
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	claimed := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-goesOn
		time.Sleep(patientHost / 5) // what was due by now has passed
		fmt.Println("claimed")
		close(claimed)
		cancel()
	}()
	_, err = r.Run(ctx, orchestrator.Attempt{ID: "attempt", Output: os.Stdout, Claimed: claimed})
	fmt.Println(err)
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon"
)

// taskEnv makes the benchmark's own binary a process that does one thing, so that what is measured of it is of that alone: its name and a number,
// or "tenon", the command of that name. The working directory of the task is its home.
const taskEnv = "TENON_BENCH_TASK"

// runTask is called first in main. It reports whether this process has a task, which it did.
func runTask(ctx context.Context) (is bool, err error) {
	text := os.Getenv(taskEnv)
	switch name, number, _ := strings.Cut(text, " "); name {
	case "":
		return false, nil
	case "tenon":
		tenon.Main() // exits
		return true, nil
	default:
		n, err := strconv.Atoi(number)
		if err != nil {
			return true, fmt.Errorf("%s=%q: %w", taskEnv, text, err)
		}
		figure, err := task(ctx, name, n)
		if err == nil {
			_, err = fmt.Println(figure)
		}
		return true, err
	}
}

// inProcess measures a task in a process of its own, which prints its figure.
func inProcess(name string, n int) measurement {
	return func(ctx context.Context, dir string) (int64, error) {
		if runtime.GOOS != "linux" {
			return 0, unavailable{"peak memory is read from /proc, which Linux has"}
		}
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		cmd := exec.CommandContext(ctx, self)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", taskEnv, name, n))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("task %s %d: %w", name, n, err)
		}
		return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	}
}

// peak is the largest resident memory of this process so far, in bytes.
func peak() (int64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no VmHWM", f.Name())
}

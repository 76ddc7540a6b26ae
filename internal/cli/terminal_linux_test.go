package cli_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal COLUMNS ROWS COMMAND [ARG...] runs a command on a terminal of that size, as standard output and error. What it wrote there is in
// terminal.txt, its line ends as in a file.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal COLUMNS ROWS COMMAND [ARG...]")
	}
	columns, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	rows, err := strconv.ParseUint(args[1], 10, 16)
	ts.Check(err)
	env, _ := ts.Value("env").(*testscript.Env)
	master, slave := openTerminal(ts, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)})
	defer master.Close()
	cmd := exec.Command(executable(ts, args[2]), args[3:]...)
	cmd.Dir, cmd.Env = env.WorkDir, append(slices.Clone(env.Vars), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdout, cmd.Stderr = slave, slave
	var screen bytes.Buffer
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(&screen, master) // EIO at the end, when nobody holds the other side
	}()
	err = cmd.Run()
	slave.Close()
	<-drained
	ts.Check(os.WriteFile(filepath.Join(env.WorkDir, "terminal.txt"), bytes.ReplaceAll(screen.Bytes(), []byte("\r\n"), []byte("\n")), 0o600))
	if err != nil {
		ts.Fatalf("%s: %v\n%s", strings.Join(args[2:], " "), err, screen.String())
	}
}

// pressed CODE COMMAND [ARG...] runs a command on a terminal of its own, and presses Ctrl-C there when it says "holding". It ends with the exit code; what
// it wrote is in terminal.txt, and $PID was its process.
func pressed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: pressed CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	env, _ := ts.Value("env").(*testscript.Env)
	master, slave := openTerminal(ts, &unix.Winsize{Col: 80, Row: 24})
	defer master.Close()
	cmd := exec.Command(executable(ts, args[1]), args[2:]...)
	cmd.Dir, cmd.Env = env.WorkDir, append(slices.Clone(env.Vars), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	ts.Setenv("PID", strconv.Itoa(cmd.Process.Pid))
	slave.Close()
	var screen bytes.Buffer
	for buf, held := make([]byte, 4096), false; ; {
		n, err := master.Read(buf)
		if err != nil {
			break // EIO at the end, when nobody holds the other side
		}
		screen.Write(buf[:n])
		if !held && bytes.Contains(screen.Bytes(), []byte("holding")) {
			held = true
			_, err := master.WriteString("\x03")
			ts.Check(err)
		}
	}
	ts.Check(os.WriteFile(filepath.Join(env.WorkDir, "terminal.txt"), bytes.ReplaceAll(screen.Bytes(), []byte("\r\n"), []byte("\n")), 0o600))
	checkExit(ts, cmd.Wait(), want)
}

func openTerminal(ts *testscript.TestScript, size *unix.Winsize) (master, slave *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	fd := int(master.Fd())
	ts.Check(unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	ts.Check(err)
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	ts.Check(unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, size))
	return master, slave
}

// TestTerminalScripts runs programs on a terminal, each script in a home of its own.
func TestTerminalScripts(t *testing.T) {
	t.Parallel()
	p := scripts(t, "terminal")
	p.Cmds["pressed"] = pressed
	p.Cmds["terminal"] = terminal
	testscript.Run(t, p)
}

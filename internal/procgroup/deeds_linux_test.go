package procgroup_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenon-ml/tenon/internal/procgroup"
)

// leaveZombie ends when a child with a group of its own has a zombie in this one.
func leaveZombie() {
	keeper := self("keep the zombie")
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	keeper.Stderr = os.Stdout
	told, err := keeper.StdoutPipe()
	check(err)
	check(keeper.Start())
	_, err = bufio.NewReader(told).ReadString('\n')
	check(err)
	fmt.Println(keeper.Process.Pid)
}

// endEscaped ends well, after it has killed what it sent away.
func endEscaped() {
	child := exec.Command("setsid", "setsid", "sleep", "1000")
	child.Stdout = os.Stdout
	check(child.Start())
	procgroup.KillMarked(markEnv + "=" + os.Getenv(markEnv))
}

func keepZombie() {
	zombie := self("")
	zombie.Args = append(zombie.Args, "-test.run=^$")
	zombie.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: os.Getppid()}
	check(zombie.Start())
	check(unix.Waitid(unix.P_PID, zombie.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	fmt.Println("dead")
	time.Sleep(time.Hour)
}

// leaveTerminal tells whether there is a terminal before and after. Its parent leads the session of one.
func leaveTerminal() {
	_, before := os.Open("/dev/tty")
	procgroup.LeaveTerminal()
	_, after := os.Open("/dev/tty")
	fmt.Println(before, "|", after)
}

// keepTerminal does the same as the leader of the session.
func keepTerminal() {
	leaveTerminal()
	child := self("leave the terminal")
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child.Stdout = os.Stdout
	check(child.Run())
	leaveTerminal()
}

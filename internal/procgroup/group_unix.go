//go:build unix

package procgroup

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstPause = time.Millisecond
	maxPause   = 20 * time.Millisecond
)

func (g *Group) start() error {
	if g.cmd.SysProcAttr == nil {
		g.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	g.cmd.SysProcAttr.Setpgid = true // a session of its own would also get a share of the processor of its own, beside that of the host's
	if err := g.cmd.Start(); err != nil {
		return err
	}
	g.started()
	return nil
}

func (g *Group) pid() int { return g.cmd.Process.Pid }

func (g *Group) killAll() { _ = unix.Kill(-g.pid(), unix.SIGKILL) }

func (g *Group) terminateAll() { _ = unix.Kill(-g.pid(), unix.SIGTERM) }

// endRest kills what the leader left, and returns when it is gone. As long as the group has a member, the system gives its number to
// nobody else; nor does it at once afterwards.
func (g *Group) endRest() {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		left := unix.Kill(-g.pid(), unix.SIGKILL) == nil // fails with ESRCH, or EPERM if only other users' processes are left
		if left {
			_, _ = unix.Wait4(-g.pid(), nil, unix.WNOHANG, nil) // orphans become children of this process if it is the first of a container
			left = pause == firstPause || g.lives()
		}
		if !left && !g.endEscaped() {
			return
		}
		<-time.After(pause) // nobody tells when a process ends that is no child
	}
}

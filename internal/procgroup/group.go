package procgroup

import (
	"os"
	"os/exec"
	"slices"
	"sync"
)

// Group is a process, its leader, and all that it started. It is safe for concurrent use.
type Group struct {
	cmd  *exec.Cmd
	mark string
	platform

	mu     sync.Mutex
	killed bool
	reaped bool // the leader's number may name another process
}

// Start starts cmd as the leader of a new group. Mark is a variable "NAME=value" that no other group has; it is added to the environment.
// What cmd.SysProcAttr says of other things stays.
// Cmd must use files alone for input and output, so that nothing but the process itself is waited for. [Group.Wait] must be called. The error
// is that of cmd.Start, or of package os.
func Start(cmd *exec.Cmd, mark string) (*Group, error) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(slices.Clip(cmd.Env), mark)
	g := &Group{cmd: cmd, mark: mark}
	if err := g.start(); err != nil {
		return nil, err
	}
	return g, nil
}

// Kill ends the leader and what is in its group at once. It does not wait, and does nothing after the leader's end.
func (g *Group) Kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killed = true
	if !g.reaped {
		g.killAll()
	}
}

// Terminate asks every process of the group to end, with SIGTERM. It does not wait, and does nothing after the leader's end. On Windows, which
// has no such request, it is [Group.Kill].
func (g *Group) Terminate() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.reaped {
		g.terminateAll()
	}
}

// Wait waits for the end of the leader, ends what is left of the group, and returns when all of it is gone. It is called once. The error
// says that the leader's end could not be observed, because the program disposes of its children itself.
func (g *Group) Wait() (*os.ProcessState, error) {
	err := g.reap()
	g.endRest()
	if state := g.cmd.ProcessState; state != nil {
		return state, nil // a status other than 0 is no error of waiting
	}
	return nil, err
}

// reap waits for the leader. Where the system can tell that it has ended before its number is free again, the group is killed by that
// number at this moment.
func (g *Group) reap() error {
	if !g.await() {
		err := g.cmd.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.reaped = true
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.killAll()
	g.reaped = true
	return g.cmd.Wait()
}

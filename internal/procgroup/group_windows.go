package procgroup

import (
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/tenon-ml/tenon/step"
)

const (
	exitKilled = 1 // exit code of what is killed
	pause      = 5 * time.Millisecond
)

type platform struct {
	job  windows.Handle
	peak step.Bytes
}

func (g *Group) start() (err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return fmt.Errorf("create a job object: %w", err)
	}
	defer func() {
		if err != nil {
			_ = windows.CloseHandle(job)
		}
	}()
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE},
	}
	if _, err := windows.SetInformationJobObject(
		job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)),
	); err != nil {
		return fmt.Errorf("limit the job object: %w", err)
	}
	if g.cmd.SysProcAttr == nil {
		g.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	g.cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP // Ctrl-C is for the host alone
	if err := g.cmd.Start(); err != nil {
		return err
	}
	var assigned error
	err = g.cmd.Process.WithHandle(func(process uintptr) {
		assigned = windows.AssignProcessToJobObject(job, windows.Handle(process))
	})
	if err := errors.Join(err, assigned); err != nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		return fmt.Errorf("assign the process to its job object: %w", err)
	}
	g.job = job
	return nil
}

func (g *Group) terminateAll() {
	g.killed = true
	g.killAll()
}

func (g *Group) killAll() { _ = windows.TerminateJobObject(g.job, exitKilled) }

// await cannot tell, nor need it: the group is not named by the leader's number.
func (g *Group) await() bool { return false }

// endRest kills what the leader left, and returns when it is gone.
func (g *Group) endRest() {
	g.killAll()
	for g.active() {
		<-time.After(pause)
	}
	g.peak = g.jobPeak()
	_ = windows.CloseHandle(g.job)
}

// accounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION.
type accounting struct {
	TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64
	TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses     uint32
}

// active reports whether the job has a process.
func (g *Group) active() bool {
	var a accounting
	err := windows.QueryInformationJobObject(
		g.job, windows.JobObjectBasicAccountingInformation, uintptr(unsafe.Pointer(&a)), uint32(unsafe.Sizeof(a)), nil,
	)
	return err == nil && a.ActiveProcesses > 0
}

package command

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"

	"github.com/tenon-ml/tenon/orchestrator"
)

const (
	// reportVariable names the file that a program may append reports to.
	reportVariable = "TENON_REPORT"
	// mark is a variable that tells the processes of one program from all others.
	mark = "TENON_COMMAND"
)

// reserved are the variables that Tenon sets itself.
func reserved() []string { return []string{reportVariable, mark, orchestrator.EnvAttempt} }

// basic are the variables that every program gets, where they are set: without them many do not start.
func basic() []string {
	if runtime.GOOS == "windows" {
		return []string{"PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"}
	}
	return []string{"PATH", "HOME", "USER", "LOGNAME"}
}

// environment makes the environment of the program. Of a variable that is set twice the last counts.
func (j *job) environment(ctx context.Context) error {
	set := func(name, value string) { j.vars = append(j.vars, name+"="+value) }
	inherit := func(names []string) {
		for _, name := range names {
			if value, ok := os.LookupEnv(name); ok {
				set(name, value)
			}
		}
	}
	inherit(basic())
	inherit([]string{orchestrator.EnvAttempt}) // by it the runner of a worker finds what the worker leaves behind
	set("LANG", "C.UTF-8")
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		set(name, j.path("tmp"))
	}
	inherit(j.inherit)
	for _, v := range j.env {
		value, err := j.fill(ctx, v.value)
		if err != nil {
			return err
		}
		set(v.name, value)
	}
	set(reportVariable, j.reportPath())
	return nil
}

func (j *job) reportPath() string { return j.path("report") }

// tooLong reports whether a program was not started because its arguments and environment are larger than the system allows.
func tooLong(err error) bool { return errors.Is(err, syscall.E2BIG) }

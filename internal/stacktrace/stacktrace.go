// Package stacktrace shows where user code panicked, without the frames of the runtime and of Tenon around it.
package stacktrace

import (
	"fmt"
	"runtime"
	"strings"
)

const (
	module    = "github.com/tenon-ml/tenon/"
	maxFrames = 64
)

// ofTenon begin the names of the functions that call user code, and of the method that panics for want of a value.
var ofTenon = []string{
	module + "internal/worker.", module + "internal/scope.", module + "internal/hooks.", module + "pipeline.", module + "artifact.Ref[", module + "step.(*Resource[",
}

// Recovered returns the frames between the panic that the calling deferred function recovered and Tenon's call of the user's code,
// innermost first: a line with the function, and an indented one with file and line. Of a deep recursion it shows the innermost frames.
func Recovered() string {
	pc := make([]uintptr, 4*maxFrames)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	var b strings.Builder
	panicked := false
	for shown := 0; shown < maxFrames; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case !panicked, strings.HasPrefix(f.Function, "runtime."):
		case ofTenons(f.Function):
			if shown > 0 {
				return b.String()
			}
		default:
			if shown++; shown > 1 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%s\n\t%s:%d", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
	return b.String() + "\n..."
}

func ofTenons(function string) bool {
	for _, prefix := range ofTenon {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

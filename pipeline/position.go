package pipeline

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const modulePath = "github.com/tenon-ml/tenon"

// wired returns the file:line that called the exported function that calls it.
func (b *Builder) wired() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	return file + ":" + strconv.Itoa(line)
}

// userFrame returns the position of the innermost frame outside Tenon's authoring packages and the runtime.
func userFrame() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."), strings.HasPrefix(f.Function, modulePath+"/pipeline."),
			strings.HasPrefix(f.Function, modulePath+"/artifact."):
		default:
			return f.File + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

// relative shortens a position to the working directory, where that is shorter.
func relative(at string) string {
	wd, err := os.Getwd()
	if err != nil {
		return at
	}
	rel, err := filepath.Rel(wd, at)
	if err != nil || strings.HasPrefix(rel, "..") {
		return at
	}
	return rel
}

package fingerprint

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// Mode says what a fingerprint was made from.
type Mode string

// The modes.
const (
	ModeSource     Mode = "source"
	ModeExecutable Mode = "executable"
)

// Fingerprint identifies the code of one step.
type Fingerprint struct {
	Digest string // "sha256:<hex>", never empty
	Mode   Mode
	// Captured says why the function may hold state that is in no source; empty if it cannot.
	Captured string
}

// Fingerprinter computes fingerprints. It is safe for concurrent use.
type Fingerprinter interface {
	// Fingerprint identifies the code of a function value. Wired is the file:line of the call that was given the function, where the type
	// arguments of a generic one are written; empty if it is not known.
	Fingerprint(ctx context.Context, fn any, wired string) (Fingerprint, error)
}

// Func is what a function value tells about itself.
type Func struct {
	Name string // as the runtime names it: "main.Train", "main.Train[...]", "main.main.func1"
	File string // absolute, or as -trimpath left it
	Line int
	pc   uintptr
}

// FuncOf describes a function value. The error's code is Invalid.
func FuncOf(fn any) (Func, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return Func{}, component.Errorf(component.Invalid, "a %T is not a function that can be fingerprinted", fn)
	}
	pc := v.Pointer()
	f := runtime.FuncForPC(pc)
	if f == nil {
		return Func{}, component.Errorf(component.Invalid, "the runtime knows no function at the address of a %T", fn)
	}
	file, line := f.FileLine(pc)
	name := f.Name()
	// The code of a small function may begin with that of one that was inlined; the outermost is the one that is asked for.
	frames := runtime.CallersFrames([]uintptr{pc + 1}) // as if pc had called
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); frame.Function != "" {
			name, file, line = frame.Function, frame.File, frame.Line
		}
	}
	return Func{Name: name, File: file, Line: line, pc: pc}, nil
}

// base is the name within its package: "Train", "main.func1", "(*T).M-fm".
func (f Func) base() string {
	_, name, _ := strings.Cut(f.Name[strings.LastIndexByte(f.Name, '/')+1:], ".")
	return name
}

// literal reports whether f is a function literal, or a closure that the compiler made of one.
func (f Func) literal() bool {
	for part := range strings.SplitSeq(f.base(), ".") {
		digits := strings.TrimPrefix(part, "func")
		if digits != part && digits != "" && strings.Trim(digits, "0123456789") == "" || strings.Contains(part, "-range") || strings.HasPrefix(part, "gowrap") {
			return true
		}
	}
	return false
}

// generic reports whether f is an instantiation of a generic function, or a part of one.
func (f Func) generic() bool { return strings.Contains(f.Name, "[...]") }

// identity tells f from every other function of the same code: of all programs of a module, whose main packages all are "main". File is
// the name of f's file in that code. The runtime names all instantiations of a generic function alike, so for those the place in
// the executable counts too; their code is that of the executable.
func (f Func) identity(h hash.Hash, file string) {
	write(h, f.Name, file)
	number(h, int64(f.Line))
	if f.generic() {
		number(h, int64(f.pc)-int64(codeOf(FuncOf)))
	}
}

// BuildSettings returns the settings of the build, sorted, as "key=value": the Go version, platform, tags, linker and compiler flags. What
// identifies a revision is not among them.
func BuildSettings() []string {
	settings := []string{"go=" + runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return append(settings, "GOARCH="+runtime.GOARCH, "GOOS="+runtime.GOOS)
	}
	for _, s := range info.Settings {
		if !strings.HasPrefix(s.Key, "vcs") {
			settings = append(settings, s.Key+"="+s.Value)
		}
	}
	slices.Sort(settings)
	return settings
}

// write adds length-prefixed fields.
func write(h hash.Hash, fields ...string) {
	for _, f := range fields {
		number(h, int64(len(f)))
		_, _ = h.Write([]byte(f)) // a hash never fails
	}
}

func number(h hash.Hash, n int64) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func sum(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

func newHash(kind string) hash.Hash {
	h := sha256.New()
	write(h, "tenon fingerprint 1", kind)
	return h
}

func hashOf(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

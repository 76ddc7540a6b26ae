package newproject

import (
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// tenon is the module that a project requires.
const tenon = "github.com/tenon-ml/tenon"

// check refuses names that make no directory, module or pipeline. The codes of its errors are Invalid.
func (o Options) check() error {
	if why := badElement(o.Name); why != "" {
		return component.Errorf(component.Invalid, "name %.40q %s: use at most 100 letters, digits, '.', '_' and '-', beginning with a letter", o.Name, why)
	}
	if c := o.Name[0] | ' '; c < 'a' || c > 'z' {
		return component.Errorf(component.Invalid, "name %.40q begins with %q: begin with a letter", o.Name, o.Name[:1])
	}
	if len(o.Module) > 500 {
		return component.Errorf(component.Invalid, "module %.40q... has %d bytes: use at most 500", o.Module, len(o.Module))
	}
	elements := strings.Split(o.Module, "/")
	for _, e := range elements {
		if why := badElement(strings.TrimPrefix(e, "~")); why != "" {
			return component.Errorf(component.Invalid, "module %.80q: its part %.40q %s: use a path such as example.com/birds", o.Module, e, why)
		}
	}
	switch last := elements[len(elements)-1]; {
	case slices.Contains(standard(), elements[0]):
		return component.Errorf(component.Invalid, "module %.80q would hide %q of the standard library: give another with --module, such as example.com/%s", o.Module, elements[0], o.Name)
	case o.Module == tenon || strings.HasPrefix(o.Module, tenon+"/"):
		return component.Errorf(component.Invalid, "module %.80q is one of Tenon's own: give another with --module", o.Module)
	case o.Module == "main":
		return component.Errorf(component.Invalid, `a module "main" cannot be tested: give another with --module, such as example.com/main`)
	case len(elements) > 1 && (last == "v0" || last == "v1"):
		return component.Errorf(component.Invalid, "module %.80q: a path ends in /v2 or more, or in no version", o.Module)
	}
	return nil
}

// badElement says what is wrong with an element of a path; empty if nothing is. What is right is a file name on every system.
func badElement(e string) string {
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}
	stem, _, _ := strings.Cut(e, ".")
	switch {
	case e == "":
		return "is empty"
	case len(e) > 100:
		return "is too long"
	case strings.ContainsFunc(e, bad):
		return "has a character that is not allowed"
	case strings.ContainsAny(e[:1], ".-_") || strings.HasSuffix(e, "."):
		return "begins or ends with a sign"
	case slices.Contains(devices(), strings.ToLower(stem)):
		return "is the name of a device on Windows"
	}
	return ""
}

func devices() []string {
	return []string{
		"con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
		"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
	}
}

// standard returns how the import paths of the standard library begin; a module that begins so makes them ambiguous.
func standard() []string {
	return []string{
		"archive", "arena", "bufio", "builtin", "bytes", "cmd", "cmp", "compress", "container", "context", "crypto", "database", "debug", "embed", "encoding",
		"errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index", "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path",
		"plugin", "reflect", "regexp", "runtime", "simd", "slices", "sort", "std", "strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time",
		"unicode", "unique", "unsafe", "vendor", "weak",
	}
}

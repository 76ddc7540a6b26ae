// Tests reads "go test -json" and prints what a person wants to know: a line for each package, the output of what failed, and in the
// file that -skipped names a line for each skipped test, with its reason. It fails if a test did.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	skipped := flag.String("skipped", "", "file to append skipped tests to")
	flag.Parse()
	ok, err := run(os.Stdin, os.Stdout, *skipped)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// event is what "go doc test2json" describes.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

func run(in io.Reader, out io.Writer, skippedFile string) (ok bool, err error) {
	var skipped strings.Builder
	said := map[[2]string]*strings.Builder{} // by package and test
	ok = true
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // of the go command itself
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output":
			if said[key] == nil {
				said[key] = &strings.Builder{}
			}
			said[key].WriteString(e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "fail":
			ok = false
			fmt.Fprint(out, text(said[key]))
		case "skip":
			if e.Test != "" {
				fmt.Fprintf(&skipped, "%s %s: %s\n", e.Package, e.Test, reason(text(said[key])))
			}
		case "pass":
			if e.Test == "" {
				fmt.Fprint(out, summary(text(said[key])))
			}
		}
		if e.Action == "pass" || e.Action == "fail" || e.Action == "skip" {
			delete(said, key)
		}
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	if skippedFile == "" || skipped.Len() == 0 {
		return ok, nil
	}
	f, err := os.OpenFile(skippedFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return ok, err
	}
	_, err = f.WriteString(skipped.String())
	if closed := f.Close(); err == nil {
		err = closed
	}
	return ok, err
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}

// summary returns the line "ok package 1.2s" of what a package printed.
func summary(output string) string {
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok ") {
			return line
		}
	}
	return ""
}

// reason returns what a test said when it skipped: its last line that is not the test tool's own.
func reason(output string) string {
	last := ""
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			last = line
		}
	}
	return last
}

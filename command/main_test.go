package command_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/command"
)

// deedMark is the first argument with which this binary is a program that a step runs.
const deedMark = "deed"

// deeds are what that program can do. The arguments are those behind its name.
var deeds = map[string]func(args []string) error{
	"print": func(args []string) error {
		_, err := fmt.Println(strings.Join(args, "\n"))
		return err
	},
	"fail": func(args []string) error {
		for _, a := range args {
			fmt.Fprintln(os.Stderr, a)
		}
		return errors.New("failed")
	},
	"nothing": func([]string) error { return nil },
	"copy": func(args []string) error {
		for i := 0; i+1 < len(args); i += 2 {
			if err := copyAll(args[i+1], args[i]); err != nil {
				return err
			}
		}
		return nil
	},
	// write writes each second argument to the file that the first names.
	"write": func(args []string) error {
		for i := 0; i+1 < len(args); i += 2 {
			if err := os.WriteFile(args[i], []byte(args[i+1]), 0o600); err != nil {
				return err
			}
		}
		return nil
	},
	"link": func(args []string) error { return os.Symlink(args[0], args[1]) },
	"env": func(args []string) error {
		f, err := os.Create(args[0])
		if err != nil {
			return err
		}
		fmt.Fprintln(f, strings.Join(os.Environ(), "\n"))
		return f.Close()
	},
	"upper": func([]string) error {
		text, err := io.ReadAll(os.Stdin)
		fmt.Print(strings.ToUpper(string(text)))
		return err
	},
	// flood prints n lines of k bytes to both streams.
	"flood": func(args []string) error {
		n, _ := strconv.Atoi(args[0])
		k, _ := strconv.Atoi(args[1])
		line := strings.Repeat("x", k-1) + "\n"
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			w := bufio.NewWriterSize(f, 1<<20)
			for range n {
				w.WriteString(line)
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		return nil
	},
	// report appends lines to the file of reports.
	"report": func(args []string) error {
		f, err := os.OpenFile(os.Getenv("TENON_REPORT"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		fmt.Fprint(f, strings.Join(args, "\n"))
		return f.Close()
	},
	// host runs a program that tells its number and then waits.
	"host": func(args []string) error {
		spec := command.Spec{Args: []string{"sh", "-c", `echo $$ > "$1"; exec sleep 1000`, "sh", args[0]}}
		_, err := command.Run[struct{}](context.Background(), command.With(spec, struct{}{}))
		return err
	},
}

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == deedMark {
		if err := deeds[os.Args[2]](os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every program that is this binary, with the race detector, ends a second later
	}
	tenon.RunWorker(chain, stuck)
	goleak.VerifyTestMain(m)
}

// deed is a command of this binary.
func deed(name string, args ...string) command.Spec {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return command.Spec{Args: append([]string{self, deedMark, name}, args...), Inherit: []string{"GORACE"}}
}

func copyAll(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

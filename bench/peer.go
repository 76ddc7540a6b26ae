package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// peer is the program in bench/dbos, which does the same work with DBOS Transact for Go. It is built when it is first needed.
type peer struct {
	dir   string // for the executable
	build func() (string, error)
}

func newPeer(dir string) *peer {
	p := &peer{dir: dir}
	p.build = sync.OnceValues(p.compile)
	return p
}

// compile builds the program outside the workspace. It is unavailable where its modules are not to be had.
func (p *peer) compile() (string, error) {
	dir := filepath.Join(source(), "dbos")
	if _, err := goCommand(dir, "list", "-deps", "."); err != nil {
		return "", unavailable{err.Error()}
	}
	executable := filepath.Join(p.dir, "dbos.exe") // the ending matters on Windows only
	_, err := goCommand(dir, "build", "-o", executable, ".")
	return executable, err
}

// baselines returns the work done with DBOS: with the driver that it brings, and with that of Tenon if it is another.
func (p *peer) baselines(work string, n int, what string) []baseline {
	const name = "DBOS"
	all := []baseline{{name + what + ", SQLite in Go", p.measure(work, n)}}
	if driver == "sqlite3" {
		all = append(all, baseline{name + what + ", SQLite in C", p.measure(work, n, "-native")})
	}
	return all
}

func (p *peer) measure(work string, n int, args ...string) measurement {
	return took(func(ctx context.Context, dir string) (time.Duration, error) {
		if _, err := p.build(); err != nil {
			return 0, err
		}
		args := append([]string{"-work", work, "-n", strconv.Itoa(n), "-dir", dir}, args...)
		if work == "start" {
			if _, err := p.run(ctx, args); err != nil { // from now on the database has been used before
				return 0, err
			}
		}
		return p.run(ctx, args)
	})
}

// run starts the program and returns how long the measured part of its work took.
func (p *peer) run(ctx context.Context, args []string) (time.Duration, error) {
	executable, err := p.build()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, executable, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now().UnixNano()
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("dbos %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	var span struct{ Began, Ended int64 }
	if err := json.Unmarshal(out, &span); err != nil {
		return 0, fmt.Errorf("dbos printed %q: %w", out, err)
	}
	if span.Began == 0 {
		span.Began = began
	}
	if span.Ended <= span.Began {
		return 0, errors.New("dbos: the work ended before it began")
	}
	return time.Duration(span.Ended - span.Began), nil
}

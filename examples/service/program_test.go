package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/metadata"
)

// program is a service in a process of its own.
type program struct {
	api
	cmd   *exec.Cmd
	ended chan error
	once  sync.Once
	mu    sync.Mutex
	log   bytes.Buffer
}

// launch starts a service on a state directory, and returns when it listens.
func launch(t *testing.T, home string, args ...string) *program {
	t.Helper()
	return launchProgram(t, executable(t), home, args...)
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func launchProgram(t *testing.T, path, home string, args ...string) *program {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p := &program{api: api{t: t, http: &http.Client{Transport: transport}}, ended: make(chan error, 1)}
	p.cmd = exec.Command(path, append([]string{"-addr", "127.0.0.1:0", "-home", home, "-ledger", filepath.Join(home, "ledger"), "-active", "20"}, args...)...)
	p.cmd.Env = append(os.Environ(), asService+"=1")
	read, write := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = write, write
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.kill() })
	go func() {
		p.ended <- p.cmd.Wait()
		write.Close()
	}()
	listening := make(chan string, 1)
	go func() {
		defer close(listening)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.log, lines.Text())
			p.mu.Unlock()
			if _, url, ok := strings.Cut(lines.Text(), "msg=listening url="); ok {
				listening <- url
			}
		}
	}()
	if p.url = <-listening; p.url == "" {
		t.Fatalf("the service does not start:\n%s", p.said())
	}
	return p
}

// said returns what the service has logged.
func (p *program) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as kill -9 does, and returns when it is gone.
func (p *program) kill() error {
	_ = p.cmd.Process.Kill()
	return p.wait()
}

// wait waits for the end of the process.
func (p *program) wait() (err error) {
	p.once.Do(func() { err = <-p.ended })
	return err
}

// inState returns how many runs are in a state.
func (p *program) inState(state metadata.RunState) int {
	p.t.Helper()
	answer, body := p.request(http.MethodGet, "/runs?limit=1000&state="+string(state), "")
	var page struct{ Runs []shown }
	if err := json.Unmarshal(body, &page); err != nil || answer.status != http.StatusOK {
		p.t.Fatalf("%d, %s, %v\n%s", answer.status, body, err, p.said())
	}
	return len(page.Runs)
}

// alone waits until no process is left that a service on a state directory started. Only Linux shows which these are.
func alone(t *testing.T, home string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	within(t, 20*time.Second, "the end of the workers", func() bool {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if pid, err := strconv.Atoi(e.Name()); err != nil || pid == os.Getpid() {
				continue
			}
			args, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline")) // it may be gone by now
			if bytes.Contains(args, []byte("\x00"+home+"\x00")) {
				return false
			}
		}
		return true
	})
}

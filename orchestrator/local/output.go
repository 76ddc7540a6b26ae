package local

import (
	"errors"
	"io"
	"os"
	"time"
)

const (
	outputBuffer = 64 << 10
	// linger is how long a pipe is read that somebody keeps open after the end of the process and its group, and lingerBytes how much.
	linger      = 100 * time.Millisecond
	lingerBytes = 1 << 20
)

// output passes on what a process prints, and keeps its last words. A process that prints faster than that can be passed on waits.
type output struct {
	pipe  *os.File
	to    io.Writer
	words lastWords
	done  chan struct{}
}

// newOutput returns an output, and the file that the process is to print to. The caller closes that file.
func newOutput(to io.Writer) (*output, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	if to == nil {
		to = io.Discard
	}
	return &output{pipe: r, to: to, done: make(chan struct{})}, w, nil
}

// discard is called instead of start.
func (o *output) discard() { _ = o.pipe.Close() }

func (o *output) start() { go o.copy() }

// finish returns when what the process printed has been passed on. It is called when the process and its group have ended.
func (o *output) finish() {
	_ = o.pipe.SetReadDeadline(time.Now()) // wakes copy up; where pipes have no deadlines nobody can leave the group
	<-o.done
}

// copy passes on until the last writer has closed the pipe. Once finish was called it reads on as long as something comes at once.
func (o *output) copy() {
	defer close(o.done)
	defer o.words.end()
	defer o.pipe.Close()
	buf := make([]byte, outputBuffer)
	left := -1 // bytes; negative while the process runs
	for left != 0 {
		n, err := o.pipe.Read(buf)
		_, _ = o.to.Write(buf[:n])
		o.words.write(buf[:n])
		switch {
		case left < 0 && errors.Is(err, os.ErrDeadlineExceeded):
			left = lingerBytes
		case err != nil:
			return
		case left > 0:
			left = max(0, left-n)
		}
		if left > 0 {
			_ = o.pipe.SetReadDeadline(time.Now().Add(linger))
		}
	}
}

// Package journal is what steps write down outside Tenon, for tests that ask what really ran: one line each, written at once to the end of a
// file, so that it is there or not whenever the process is killed.
package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/step"
)

// Env names the variable that holds the path of the journal.
const Env = "TRIAL_JOURNAL"

// Line is what a step wrote down.
type Line struct {
	What    string // it does, such as "begin"; one word
	Step    string
	Index   int // of the element; -1 otherwise
	Number  int // of the attempt
	Attempt string
	Key     string // the idempotency key, which names run, step and index
}

// Note writes down what the step of ctx does. A program, outside a step, may write too.
func Note(ctx context.Context, what string) error {
	at, _ := step.Info(ctx)
	f, err := os.OpenFile(os.Getenv(Env), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\t%s\t%d\t%d\t%s\t%s\n", what, at.Step, at.Index, at.Number, at.ID, at.Key)
	return errors.Join(err, f.Close())
}

// Size returns the size of a journal in bytes. One that does not exist is empty.
func Size(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Read returns the lines of a journal from an offset on.
func Read(path string, from int64) ([]Line, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var lines []Line
	for text := range bytes.Lines(data[from:]) {
		l, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", text, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func parse(text string) (Line, error) {
	text, whole := strings.CutSuffix(text, "\n")
	f := strings.Split(text, "\t")
	if !whole || len(f) != 6 {
		return Line{}, fmt.Errorf("%d fields, want 6 and a newline", len(f))
	}
	index, err1 := strconv.Atoi(f[2])
	number, err2 := strconv.Atoi(f[3])
	return Line{What: f[0], Step: f[1], Index: index, Number: number, Attempt: f[4], Key: f[5]}, errors.Join(err1, err2)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/step"
)

// Ledger is where quotes are published: a directory, in place of the database or the other service that a real one would call. Several processes
// may use it at once.
type Ledger struct{ dir string }

// Entry is a published quote.
type Entry struct {
	Run        string `json:"run"`
	Quote      Quote  `json:"quote"`
	ApprovedBy string `json:"approved_by,omitempty"`
}

// OpenLedger opens the ledger in a directory, which is made if it is not there.
func OpenLedger(dir string) (Ledger, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Ledger{}, err
	}
	return Ledger{abs}, os.MkdirAll(filepath.Join(abs, "entries"), 0o700)
}

// Add adds an entry under a key, once: under a key that is there already it adds nothing and reports false.
func (l Ledger) Add(key string, e Entry) (added bool, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return false, err
	}
	// A file appears whole under its name, or not at all.
	file, err := os.CreateTemp(l.dir, "entry-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(body)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return false, err
	}
	err = os.Link(file.Name(), filepath.Join(l.dir, "entries", url.PathEscape(key)+".json"))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// Execution is one line of the journal: an attempt that began.
type Execution struct {
	Run     string `json:"run"`
	Step    string `json:"step"`
	Index   int    `json:"index"`
	Attempt int    `json:"attempt"`
	From    int    `json:"from"` // paths that a checkpoint brought back
}

// Note writes in the journal, a file that only grows, that an attempt begins: so that everybody can see what ran, and what ran twice.
func (l Ledger) Note(ctx context.Context, from int) error {
	a, ok := step.Info(ctx)
	if !ok {
		return nil // a unit test
	}
	line, err := json.Marshal(Execution{Run: a.Run, Step: a.Step, Index: a.Index, Attempt: a.Number, From: from})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(l.dir, "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n')) // one write, so that lines of several processes do not mix
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

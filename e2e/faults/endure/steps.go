package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/step"
)

// pace is how long each step takes at least, and each stage of the long one. Of the elements of a list there are many.
const pace, elementPace = 15 * time.Millisecond, 3 * time.Millisecond

// work is the frame of each step: it tells of the begin and the end of what do does.
func work[Out any](ctx context.Context, do func() (Out, error)) (out Out, err error) {
	if err := journal.Note(ctx, "begin"); err != nil {
		return out, err
	}
	if out, err = do(); err != nil {
		return out, err
	}
	if err := wait(ctx); err != nil {
		return out, err
	}
	return out, journal.Note(ctx, "done")
}

func wait(ctx context.Context) error {
	pace := pace
	if at, _ := step.Info(ctx); at.Index >= 0 {
		pace = elementPace
	}
	select {
	case <-time.After(pace):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// noise returns bytes that do not compress, the same for the same number.
func noise(n, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}).Read(b)
	return b
}

func sum(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(h[:])
}

// sizes of artifacts: in the record, just so, in the store, and large.
var sizes = []int{8, 4000, 5000, 300 << 10, 64, 3 << 20, 700, 40 << 10}

// Item says what to make.
type Item struct{ N, Size int }

type ListIn struct{ Items int }

type ListOut struct {
	Items artifact.Ref[[]Item]
	None  artifact.Ref[[]Item]
}

// List says which items there are.
func List(ctx context.Context, in ListIn) (ListOut, error) {
	return work(ctx, func() (ListOut, error) {
		var items []Item
		for i := range in.Items {
			items = append(items, Item{i, sizes[i%len(sizes)]})
		}
		return ListOut{artifact.New(items), artifact.New([]Item{})}, nil
	})
}

type BlobIn struct{ Item artifact.Ref[Item] }

// Blob makes an item.
func Blob(ctx context.Context, in BlobIn) (artifact.Ref[[]byte], error) {
	return work(ctx, func() (artifact.Ref[[]byte], error) {
		item := in.Item.Value()
		step.Metric(ctx, "size", float64(item.Size))
		step.Logger(ctx).Debug("made", "noise", hex.EncodeToString(noise(item.N, 5000))) // a log that is too large for the record
		return artifact.New(noise(item.N, item.Size)), nil
	})
}

type SumIn struct{ Blob artifact.Ref[[]byte] }

// Sum hashes a blob. Every second element fails at first.
func Sum(ctx context.Context, in SumIn) (artifact.Ref[string], error) {
	return work(ctx, func() (artifact.Ref[string], error) {
		if at, _ := step.Info(ctx); at.Number == 1 && at.Index%2 == 0 {
			return artifact.Ref[string]{}, errors.New("not at the first attempt")
		}
		return artifact.New(sum(string(in.Blob.Value()))), nil
	})
}

type LongIn struct{ Stages int }

// Progress is what Long saves: every second time it is too large for the record.
type Progress struct {
	Stages  int // that are done
	Sum     string
	Ballast []byte
}

// Long does stage after stage, and saves after each.
func Long(ctx context.Context, in LongIn) (artifact.Ref[string], error) {
	return work(ctx, func() (artifact.Ref[string], error) {
		var p Progress
		if _, err := step.Restore(ctx, &p); err != nil {
			return artifact.Ref[string]{}, err
		}
		for p.Stages < in.Stages {
			if err := journal.Note(ctx, fmt.Sprintf("stage-%d", p.Stages)); err != nil {
				return artifact.Ref[string]{}, err
			}
			if err := wait(ctx); err != nil {
				return artifact.Ref[string]{}, err
			}
			p = Progress{p.Stages + 1, sum(p.Sum, strconv.Itoa(p.Stages)), noise(p.Stages, p.Stages%2*(20<<10))}
			if err := step.Checkpoint(ctx, p); err != nil {
				return artifact.Ref[string]{}, err
			}
			if err := journal.Note(ctx, fmt.Sprintf("saved-%d", p.Stages)); err != nil {
				return artifact.Ref[string]{}, err
			}
			step.Progress(ctx, int64(p.Stages), int64(in.Stages))
		}
		return artifact.New(p.Sum), nil
	})
}

// Row is a row of a table.
type Row struct {
	N    int64
	Name string
	Part float64
}

type TableIn struct{ Rows int }

// Table makes a table.
func Table(ctx context.Context, in TableIn) (artifact.Ref[[]Row], error) {
	return work(ctx, func() (artifact.Ref[[]Row], error) {
		rows := make([]Row, in.Rows)
		for i := range rows {
			rows[i] = Row{int64(i), sum(strconv.Itoa(i)), 1 / float64(i+1)}
		}
		return artifact.New(rows), nil
	})
}

type FileIn struct{ MiB int }

// File writes a file.
func File(ctx context.Context, in FileIn) (artifact.Ref[artifact.File], error) {
	return work(ctx, func() (artifact.Ref[artifact.File], error) {
		dir, err := step.TempDir(ctx)
		if err != nil {
			return artifact.Ref[artifact.File]{}, err
		}
		path := filepath.Join(dir, "noise.bin")
		return artifact.New(artifact.File(path)), os.WriteFile(path, noise(in.MiB, in.MiB<<20), 0o600)
	})
}

type JudgeIn struct {
	Sums artifact.Ref[[]string]
	None artifact.Ref[[][]byte]
}

type JudgeOut struct{ Good, Bad artifact.Ref[bool] }

// Judge finds all good.
func Judge(ctx context.Context, in JudgeIn) (JudgeOut, error) {
	return work(ctx, func() (JudgeOut, error) {
		good := len(in.Sums.Value()) > 0 && len(in.None.Value()) == 0
		return JudgeOut{artifact.New(good), artifact.New(!good)}, nil
	})
}

type ChooseIn struct {
	Word string
	Sums artifact.Ref[[]string]
}

// Choose says a word.
func Choose(ctx context.Context, in ChooseIn) (artifact.Ref[string], error) {
	return work(ctx, func() (artifact.Ref[string], error) {
		return artifact.New(in.Word + " " + sum(in.Sums.Value()...)), nil
	})
}

type ReportIn struct {
	Sums   artifact.Ref[[]string]
	Long   artifact.Ref[string]
	Table  artifact.Ref[[]Row]
	File   artifact.Ref[artifact.File]
	Chosen artifact.Ref[string]
}

// Report tells of everything.
func Report(ctx context.Context, in ReportIn) (artifact.Ref[string], error) {
	return work(ctx, func() (artifact.Ref[string], error) {
		file, err := os.ReadFile(string(in.File.Value()))
		if err != nil {
			return artifact.Ref[string]{}, err
		}
		parts := append(in.Sums.Value(), in.Long.Value(), in.Chosen.Value(), sum(string(file)))
		for _, row := range in.Table.Value() {
			parts = append(parts, row.Name)
		}
		return artifact.New(sum(parts...)), nil
	})
}

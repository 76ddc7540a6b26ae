// Package gc deletes content from artifact stores that nothing recorded refers to, by the protocol of [metadata.Store]: condemn, begin to
// delete, delete, end. It may be killed at any moment, and runs beside programs that put, find and delete. What it needs is that no other
// collector works on the same metadata: see [Acquire].
package gc

import (
	"context"
	"log/slog"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// pageSize is how many contents are looked at, and at most deleted, in one go. Writers that refer to one of them wait meanwhile.
const pageSize = 500

// Config says what is collected. Metadata and Artifacts must be set.
type Config struct {
	Metadata  metadata.Store
	Artifacts artifact.Store
	// Grace is how long content is left alone after it was put, since its writer may not have recorded it yet. What was put since the oldest
	// run that goes on was created, less the grace, is left alone too: a run records at the end of an attempt what it put during it.
	Grace time.Duration
	// DryRun only looks: nothing is written.
	DryRun bool
	// Logger for contents that cannot be deleted. Nil discards.
	Logger *slog.Logger
	// Progress, if not nil, is told how far the collection is, from the goroutine that called [Collect].
	Progress func(Report)
}

// Count is a number of contents and their size together.
type Count struct {
	Contents int   `json:"contents"`
	Bytes    int64 `json:"bytes"`
}

func (c *Count) add(size int64) {
	c.Contents++
	c.Bytes += size
}

func (c Count) plus(o Count) Count { return Count{c.Contents + o.Contents, c.Bytes + o.Bytes} }

// Report is what a collection found. Examined is the sum of the others.
type Report struct {
	Examined Count `json:"examined"`
	Kept     Count `json:"kept"`    // something refers to it
	Young    Count `json:"young"`   // put too short a while ago to ask whether something does
	Deleted  Count `json:"deleted"` // or what would be, in a dry run
	Failed   Count `json:"failed"`  // could not be deleted
}

// Add returns the sum of two reports.
func (r Report) Add(o Report) Report {
	return Report{
		Examined: r.Examined.plus(o.Examined), Kept: r.Kept.plus(o.Kept), Young: r.Young.plus(o.Young),
		Deleted: r.Deleted.plus(o.Deleted), Failed: r.Failed.plus(o.Failed),
	}
}

// Request asks for a collection of all artifact stores that there are. Its fields are as those of [Config].
type Request struct {
	Grace    time.Duration
	DryRun   bool
	Progress func(StoreReport)
}

// StoreReport is what was found in one of several artifact stores.
type StoreReport struct {
	Stacks []string `json:"stacks"` // that have it
	Report
	Error string `json:"error,omitempty"` // why it could not be collected, or not to its end
}

// Collect deletes what nothing refers to. Its memory does not grow with the store. An error that concerns single contents does not keep it
// from going on; any other ends it, and what has been done until then is in the report. Called again it does what is left.
func Collect(ctx context.Context, c Config) (Report, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &collector{Config: c}
	var err error
	if s.before, err = s.oldEnough(ctx); err != nil {
		return s.report, err
	}
	if !c.DryRun {
		if err := Finish(ctx, c.Metadata); err != nil {
			return s.report, err
		}
	}
	var after artifact.Digest
	for {
		infos, err := c.Artifacts.List(ctx, after, pageSize)
		if err != nil {
			return s.report, component.Errorf(component.CodeOf(err), "collect garbage: %w", err)
		}
		if err := s.page(ctx, infos); err != nil {
			return s.report, component.Errorf(component.CodeOf(err), "collect garbage: %w", err)
		}
		if c.Progress != nil {
			c.Progress(s.report)
		}
		if len(infos) < pageSize {
			return s.report, s.failures()
		}
		after = infos[len(infos)-1].Digest
	}
}

// Finish ends what a collector began that was killed: until then who writes the contents that it was deleting waits. Bytes that are still
// there are found by the next collection. The caller holds the lock of [Acquire].
func Finish(ctx context.Context, store metadata.Store) error {
	left, err := store.Deleting(ctx)
	if err == nil && len(left) > 0 {
		err = store.EndDelete(ctx, left)
	}
	if err != nil {
		return component.Errorf(component.CodeOf(err), "end the deletions of a collector that was killed: %w", err)
	}
	return nil
}

type collector struct {
	Config
	before time.Time // what was put since is left alone
	report Report
	first  error // why a content could not be deleted
}

// oldEnough returns the time before which content was put that may be deleted.
func (s *collector) oldEnough(ctx context.Context) (time.Time, error) {
	before := time.Now() // runs that begin from here on put their content later
	going := metadata.RunQuery{States: []metadata.RunState{metadata.RunPending, metadata.RunRunning, metadata.RunCancelling}}
	for r, err := range metadata.All(ctx, s.Metadata.Runs, going) {
		if err != nil {
			return before, component.Errorf(component.CodeOf(err), "collect garbage: look for runs that go on: %w", err)
		}
		if r.Created.Before(before) {
			before = r.Created
		}
	}
	return before.Add(-s.Grace), nil
}

// page deletes from one page of a listing.
func (s *collector) page(ctx context.Context, infos []artifact.Info) error {
	old := make(map[artifact.Digest]int64, len(infos))
	var digests []artifact.Digest
	for _, info := range infos {
		s.report.Examined.add(info.Size)
		if !info.ModTime.Before(s.before) {
			s.report.Young.add(info.Size)
			continue
		}
		old[info.Digest] = info.Size
		digests = append(digests, info.Digest)
	}
	// Most content is referenced: it costs no transaction that writes.
	free, err := s.Metadata.Unreferenced(ctx, digests)
	if err != nil {
		return err
	}
	if s.DryRun {
		s.count(&s.report.Deleted, old, free)
	} else if err := s.delete(ctx, old, free); err != nil {
		return err
	}
	for _, size := range old { // what is left
		s.report.Kept.add(size)
	}
	return nil
}

// count moves contents from those that are left to a count.
func (s *collector) count(c *Count, left map[artifact.Digest]int64, digests []artifact.Digest) {
	for _, d := range digests {
		c.add(left[d])
		delete(left, d)
	}
}

// failures sums up what could not be deleted.
func (s *collector) failures() error {
	if s.first == nil {
		return nil
	}
	return component.Errorf(component.CodeOf(s.first), "collect garbage: %d contents could not be deleted, the first: %w", s.report.Failed.Contents, s.first)
}

package tenon

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/stack"
)

// gcGrace is how long content is left alone after it was put, unless a caller says otherwise.
const gcGrace = time.Hour

// GCOptions are those of [Client.GC]. The zero value collects what was put an hour ago or earlier.
type GCOptions struct {
	// Grace is how long content is left alone after it was put, since its writer may not have recorded it yet. 0 means one hour, a negative
	// value no time. Content that was put since the oldest run that goes on was created is left alone in any case.
	Grace time.Duration
	// DryRun only looks: the report says what would be deleted.
	DryRun bool
	// Progress, if not nil, is told how far the collection of each artifact store is, from the goroutine that called GC.
	Progress func(GCStore)
}

// GCCount is a number of contents and the sum of their sizes.
type GCCount struct {
	Contents int   `json:"contents"`
	Bytes    int64 `json:"bytes"`
}

// GCStore is what [Client.GC] found in one artifact store. Examined is the sum of the other counts.
type GCStore struct {
	Stacks   []string `json:"stacks"` // that have it
	Examined GCCount  `json:"examined"`
	Kept     GCCount  `json:"kept"`            // something that is recorded refers to it
	Young    GCCount  `json:"young"`           // put too short a while ago to ask whether something does
	Deleted  GCCount  `json:"deleted"`         // or what would be, in a dry run
	Failed   GCCount  `json:"failed"`          // could not be deleted
	Error    string   `json:"error,omitempty"` // why it could not be collected, or not to its end
}

// GCReport is what [Client.GC] found, in the artifact stores of all stacks.
type GCReport struct {
	Stores []GCStore `json:"stores"`
}

// GC deletes content of artifact stores that nothing recorded refers to, such as what only deleted runs and pruned results of the cache
// used. It collects the artifact stores of the default stack, of all stored stacks and of [Config].Stack; stacks whose artifact stores are
// configured alike have one. Content is known by its digest in all of them, so that what a run refers to stays wherever it is.
//
// It may run beside programs that use the same state, and may be interrupted or killed at any moment: nothing that is recorded loses its
// content, and the next collection does what is left. One collector works at a time on a state directory: a second one is refused with code
// FailedPrecondition. Clients that share a [Config].Metadata but no state directory must see to that themselves.
//
// What concerns a single content or a single store does not keep it from going on: the report is complete as far as it got, also beside an
// error.
func (c *Client) GC(ctx context.Context, o GCOptions) (GCReport, error) {
	var progress func(gc.StoreReport)
	if o.Progress != nil {
		progress = func(r gc.StoreReport) { o.Progress(gcStore(r)) }
	}
	grace := max(0, o.Grace)
	if o.Grace == 0 {
		grace = gcGrace
	}
	stores, err := c.collect(ctx, gc.Request{Grace: grace, DryRun: o.DryRun, Progress: progress})
	report := GCReport{Stores: make([]GCStore, len(stores))}
	for i, s := range stores {
		report.Stores[i] = gcStore(s)
	}
	return report, err
}

func gcStore(r gc.StoreReport) GCStore {
	return GCStore{
		Stacks: r.Stacks, Examined: GCCount(r.Examined), Kept: GCCount(r.Kept), Young: GCCount(r.Young), Deleted: GCCount(r.Deleted),
		Failed: GCCount(r.Failed), Error: r.Error,
	}
}

// collect collects the garbage of all artifact stores.
func (c *Client) collect(ctx context.Context, how gc.Request) ([]gc.StoreReport, error) {
	if !c.begin() {
		return nil, component.Errorf(component.FailedPrecondition, "collect garbage: the client is closed")
	}
	defer c.runs.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)() // Close ends the collection
	if !how.DryRun {
		release, err := gc.Acquire(gcLock(c.config.Home))
		if err != nil {
			return nil, err
		}
		defer release()
	}
	places, err := c.artifactPlaces(ctx)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "collect garbage: %w", err)
	}
	reports := make([]gc.StoreReport, 0, len(places))
	var errs []error
	for _, p := range places {
		r, err := c.collectPlace(ctx, p, how)
		if err != nil {
			r.Error = err.Error()
			errs = append(errs, err)
		}
		reports = append(reports, r)
		if ctx.Err() != nil {
			break
		}
	}
	return reports, errors.Join(errs...)
}

func gcLock(home string) string { return filepath.Join(home, "gc.lock") }

// artifactPlace is an artifact store, and the stacks that have it.
type artifactPlace struct {
	stacks []string
	spec   stack.Spec
	err    error          // why spec cannot be read
	opened artifact.Store // in place of spec
}

// artifactPlaces returns the artifact stores of all stacks.
func (c *Client) artifactPlaces(ctx context.Context) ([]artifactPlace, error) {
	stored, err := c.meta.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	places := []artifactPlace{{stacks: []string{stack.DefaultName}, spec: stack.Default()}}
	for _, s := range stored {
		spec, err := stack.Parse(s.Spec, "stack "+s.Name)
		same := -1
		for i, p := range places {
			if err == nil && p.err == nil && reflect.DeepEqual(artifactConfig(p.spec), artifactConfig(spec)) {
				same = i
			}
		}
		if same >= 0 {
			places[same].stacks = append(places[same].stacks, s.Name)
			continue
		}
		places = append(places, artifactPlace{stacks: []string{s.Name}, spec: spec, err: err})
	}
	if own := c.config.Stack; own != nil {
		places = append(places, artifactPlace{stacks: []string{own.Name()}, opened: own.Artifacts()})
	}
	return places, nil
}

// artifactConfig is what a stack says of its artifact store: the flavor and its configuration.
func artifactConfig(s stack.Spec) (config struct {
	flavor string
	values map[string]any
}) {
	for _, c := range s.Components {
		if c.Kind == artifact.Kind.String() {
			config.flavor, config.values = c.Flavor, c.Config()
		}
	}
	return config
}

func (c *Client) collectPlace(ctx context.Context, p artifactPlace, how gc.Request) (r gc.StoreReport, err error) {
	r.Stacks = p.stacks
	if p.err != nil {
		return r, p.err
	}
	store := p.opened
	if store == nil {
		// Opened anew, also if the client has it open: that removes what killed writers left.
		if store, err = stack.OpenArtifacts(ctx, p.spec, c.flavors, component.Env{Home: c.config.Home, Logger: c.logger}); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
	}
	config := gc.Config{Metadata: c.meta, Artifacts: store, Grace: how.Grace, DryRun: how.DryRun, Logger: c.logger}
	if how.Progress != nil {
		config.Progress = func(now gc.Report) { how.Progress(gc.StoreReport{Stacks: p.stacks, Report: now}) }
	}
	r.Report, err = gc.Collect(ctx, config)
	return r, err
}

// finishGC ends the deletions of a collector that was killed: writers of what it was deleting would wait for the next one. Collectors of clients
// on a metadata store of their own have locks elsewhere.
func (c *Client) finishGC(ctx context.Context) {
	if c.config.Metadata != nil {
		return
	}
	left, err := c.meta.Deleting(ctx)
	if err != nil || len(left) == 0 {
		return
	}
	release, err := gc.Acquire(gcLock(c.config.Home))
	if err != nil {
		return // a collector is at work
	}
	defer release()
	if err := gc.Finish(ctx, c.meta); err != nil {
		c.logger.Warn("what a killed garbage collector began cannot be ended", "err", err)
	}
}

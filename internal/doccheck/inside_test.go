package doccheck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/hook"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// What follows is quoted by docs/writing-steps.md.

type FitIn struct {
	Rows   artifact.Ref[[]Row]
	Epochs int
}

// fitState is all that Fit needs to go on.
type fitState struct {
	Epoch int
	Model Model
}

func Fit(ctx context.Context, in FitIn) (artifact.Ref[Model], error) {
	var at fitState
	if _, err := step.Restore(ctx, &at); err != nil { // leaves it alone if nothing was saved
		return artifact.Ref[Model]{}, err
	}
	saved := time.Now()
	for ; at.Epoch < in.Epochs; at.Epoch++ {
		if ctx.Err() != nil || time.Since(saved) > time.Minute { // when it is asked to stop, and every minute
			if err := step.Checkpoint(ctx, at); err != nil {
				return artifact.Ref[Model]{}, err
			}
			saved = time.Now()
		}
		if ctx.Err() != nil {
			return artifact.Ref[Model]{}, ctx.Err()
		}
		at.Model = epoch(ctx, at.Model, in.Rows.Value())
	}
	return artifact.New(at.Model), nil
}

var DB = step.NewResource("db", func(context.Context) (*sql.DB, error) {
	return sql.Open("pgx", os.Getenv("PRICES_URL"))
}, (*sql.DB).Close)

type PriceIn struct{ Item string }

func Price(ctx context.Context, in PriceIn) (artifact.Ref[float64], error) {
	db, err := DB.Get(ctx)
	if err != nil {
		return artifact.Ref[float64]{}, err
	}
	var price float64
	err = db.QueryRowContext(ctx, "SELECT price FROM prices WHERE item = $1", in.Item).Scan(&price)
	return artifact.New(price), err
}

func TestPrice(t *testing.T) {
	ctx := DB.With(t.Context(), testDB(t)) // also for a whole pipeline: Nightly.Run(ctx, client, params)
	price, err := Price(ctx, PriceIn{Item: "nail"})
	if err != nil || price.Value() != 0.25 {
		t.Errorf("the price is %v, %v", price, err)
	}
}

var Nightly = pipeline.Define("nightly", func(p *pipeline.Builder, in PriceIn) artifact.Ref[float64] {
	return pipeline.Step(p, "price", Price, in, step.OnSuccess(hook.Func(announce)))
}, pipeline.OnFailure(hook.Webhook{URL: "https://alerts.example.com/tenon", SecretEnv: "ALERTS_SECRET"}))

func announce(_ context.Context, e hook.Event) error {
	fmt.Println(e.Step, e.State, "after", e.Finished.Sub(e.Started))
	return nil
}

// What follows is not quoted.

// interrupt ends a step after so many epochs.
type interrupt struct {
	after int
	end   context.CancelCauseFunc

	mu   sync.Mutex
	from []int
}

type interruptKey struct{}

func epoch(ctx context.Context, m Model, rows []Row) Model {
	if i, ok := ctx.Value(interruptKey{}).(*interrupt); ok {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.from = append(i.from, int(m.Slope))
		if len(i.from) == i.after {
			i.end(errors.New("the power is gone"))
			<-ctx.Done() // the step is asked to stop
		}
	}
	return Model{Slope: m.Slope + float64(len(rows))}
}

// TestFitGoesOn: the run is cancelled in the middle of the step, and resumed.
func TestFitGoesOn(t *testing.T) {
	t.Parallel()
	rows := func(context.Context, struct{}) (artifact.Ref[[]Row], error) { return artifact.New([]Row{{1, 2}}), nil }
	fit := pipeline.Define("fit", func(p *pipeline.Builder, _ struct{}) artifact.Ref[Model] {
		return pipeline.Step(p, "fit", Fit, FitIn{Rows: pipeline.Step(p, "rows", rows, struct{}{}), Epochs: 6}, step.Config{Cache: step.Never})
	})
	ctx, end := context.WithCancelCause(t.Context())
	i := &interrupt{after: 3, end: end}
	client := pipelinetest.Open(t)
	run, err := fit.Run(context.WithValue(ctx, interruptKey{}, i), client, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil || !strings.Contains(err.Error(), "the power is gone") {
		t.Errorf("the run: %v", err)
	}
	began := i.from[0]
	more := &interrupt{}
	if run, err = fit.Resume(context.WithValue(t.Context(), interruptKey{}, more), client, run.ID()); err != nil {
		t.Fatal(err)
	}
	model, err := run.Result(t.Context())
	if err != nil || model.Value().Slope != 6 {
		t.Errorf("the model is %v, %v", model, err)
	}
	if began != 0 || len(i.from)+len(more.from) != 6 {
		t.Errorf("the epochs were %v and %v", i.from, more.from)
	}
}

// testDB returns a database of the driver that is linked.
func testDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(sql.Drivers()[0], ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1) // each has a database of its own
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE prices (item TEXT, price REAL); INSERT INTO prices VALUES ('nail', 0.25)"); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestNightly(t *testing.T) {
	t.Setenv("ALERTS_SECRET", "x")
	var states []string
	client := pipelinetest.Open(t)
	run, err := Nightly.Run(DB.With(t.Context(), testDB(t)), client, PriceIn{"nail"}, pipeline.RunConfig{Observer: func(e pipeline.Event) {
		if e.Kind == pipeline.EventRun {
			states = append(states, string(e.RunState))
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if price, err := run.Result(t.Context()); err != nil || price.Value() != 0.25 {
		t.Errorf("the price is %v, %v", price, err)
	}
	if diff := cmp.Diff([]string{"running", "succeeded"}, states); diff != "" {
		t.Error(diff)
	}
}

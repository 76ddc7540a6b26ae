package step_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/step"
)

// pool stands for a pool of connections.
type pool struct{ closed *[]string }

func (p *pool) Close() error {
	*p.closed = append(*p.closed, "pool")
	return nil
}

func TestResource(t *testing.T) {
	t.Parallel()
	var closed []string
	opened := 0
	db := step.NewResource("db", func(context.Context) (*pool, error) {
		opened++
		return &pool{&closed}, nil
	}, (*pool).Close)
	repo := step.NewResource("repo", func(ctx context.Context) (map[string]*pool, error) {
		p, err := db.Get(ctx)
		return map[string]*pool{"db": p}, err
	}, func(map[string]*pool) error {
		closed = append(closed, "repo")
		return errors.New("stuck")
	})
	all := scope.NewResources(t.Context())
	ctx := scope.With(t.Context(), &scope.Scope{Resources: all})
	r, err := repo.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p, err := db.Get(scope.WithResources(t.Context(), all)) // what is no step, such as a hook, gets the same
	if err != nil || p == nil || r["db"] != p || opened != 1 {
		t.Errorf("db is %v, %v, opened %d times; repo is %v", p, err, opened, r)
	}
	if info, ok := step.Info(ctx); !ok || info.Number != 0 {
		t.Errorf("Info says %v, %v", info, ok)
	}
	if err := all.Close(); err == nil || err.Error() != "close resource repo: stuck" {
		t.Errorf("Close: %v", err)
	}
	if diff := cmp.Diff([]string{"repo", "pool"}, closed); diff != "" {
		t.Error(diff)
	}
	if _, err := db.Get(ctx); !errors.Is(err, component.ErrFailedPrecondition) {
		t.Errorf("after the end: %v", err)
	}
}

func TestResourceWith(t *testing.T) {
	t.Parallel()
	open := func(context.Context) (io.Closer, error) { return nil, errors.New("no test may connect") }
	db, other := step.NewResource("db", open, nil), step.NewResource("db", open, nil)
	var closed []string
	fake := &pool{&closed}
	ctx := db.With(t.Context(), fake)
	all := scope.NewResources(t.Context())
	for _, ctx := range []context.Context{ctx, scope.With(ctx, &scope.Scope{Resources: all})} {
		if got, err := db.Get(ctx); got != fake || err != nil {
			t.Errorf("db is %v, %v", got, err)
		}
	}
	if got, err := db.Get(db.With(ctx, nil)); got != nil || err != nil {
		t.Errorf("replaced by nil, db is %v, %v", got, err)
	}
	if _, err := other.Get(scope.WithResources(ctx, all)); err == nil || err.Error() != "open resource db: no test may connect" {
		t.Errorf("another resource of the same name: %v", err)
	}
	if err := all.Close(); err != nil || len(closed) > 0 {
		t.Errorf("a value that replaces is closed by who made it, but Close said %v and closed %v", err, closed)
	}
}

func TestResourceOfAnInterfaceThatIsNil(t *testing.T) {
	t.Parallel()
	closes := 0
	tracer := step.NewResource("tracer", func(context.Context) (io.Closer, error) { return nil, nil }, func(c io.Closer) error {
		closes++
		if c != nil {
			return errors.New("a tracer came from nowhere")
		}
		return nil
	})
	all := scope.NewResources(t.Context())
	if got, err := tracer.Get(scope.WithResources(t.Context(), all)); got != nil || err != nil {
		t.Errorf("tracer is %v, %v", got, err)
	}
	if err := all.Close(); err != nil || closes != 1 {
		t.Errorf("closed %d times, %v", closes, err)
	}
}

func TestResourceThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	db := step.NewResource("db", func(context.Context) (*pool, error) { return nil, errors.New("opened") }, nil)
	_, err := db.Get(t.Context())
	const outside = "resource db is opened only within a run: give a test its own with the resource's method With"
	if !errors.Is(err, component.ErrFailedPrecondition) || err.Error() != outside {
		t.Errorf("outside a run: %v", err)
	}
	_, err = step.NewResource[*pool]("none", nil, nil).Get(t.Context())
	if !errors.Is(err, component.ErrInvalid) || err.Error() != "resource none has no function that opens it" {
		t.Errorf("without an opener: %v", err)
	}
}

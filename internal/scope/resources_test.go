package scope_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/scope"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes what happens, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// opener makes a resource that is its own name and notes what happens to it.
func (d *diary) opener(name string, needs ...*scope.Opener) *scope.Opener {
	o := &scope.Opener{Name: name}
	o.Key = o
	o.Open = func(ctx context.Context) (any, error) {
		for _, n := range needs {
			if _, err := scope.ResourcesFrom(ctx).Get(ctx, *n); err != nil {
				return nil, err
			}
		}
		d.note("open " + name)
		return name, nil
	}
	o.Close = func(v any) error {
		d.note("close " + v.(string))
		return nil
	}
	return o
}

// What others need is opened before them and closed after them.
func TestOrder(t *testing.T) {
	t.Parallel()
	var d diary
	db, cache := d.opener("db"), d.opener("cache")
	repo := d.opener("repo", db, cache)
	r := scope.NewResources(t.Context())
	for _, o := range []*scope.Opener{cache, repo, repo, db} {
		if v, err := r.Get(t.Context(), *o); v != o.Name || err != nil {
			t.Errorf("%s is %v, %v", o.Name, v, err)
		}
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"open cache", "open db", "open repo", "close repo", "close db", "close cache"}, d.lines); diff != "" {
		t.Error(diff)
	}
}

func TestManyOpenOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := scope.NewResources(t.Context())
		var d diary
		begin := make(chan struct{})
		o := d.opener("db")
		open := o.Open
		o.Open = func(ctx context.Context) (any, error) {
			<-begin
			return open(ctx)
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if v, err := r.Get(t.Context(), *o); v != "db" || err != nil {
					t.Errorf("db is %v, %v", v, err)
				}
			})
		}
		synctest.Wait() // all of them wait
		close(begin)
		all.Wait()
		if err := r.Close(); err != nil || len(d.lines) != 2 {
			t.Errorf("it noted %q, %v", d.lines, err)
		}
	})
}

// Who gives up waiting stops nothing: the opener's context does not end with that of the attempt that asked first.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		r := scope.NewResources(context.WithValue(t.Context(), key{}, "of the process"))
		begin := make(chan struct{})
		var opener context.Context
		o := scope.Opener{Key: 1, Name: "db", Open: func(ctx context.Context) (any, error) {
			opener = ctx //nolint:fatcontext // looked at afterwards
			<-begin
			return "db", ctx.Err()
		}}
		ctx, cancel := context.WithCancelCause(scope.With(t.Context(), &scope.Scope{Run: "r"}))
		tired := errors.New("tired")
		given := make(chan error)
		go func() {
			_, err := r.Get(ctx, o)
			given <- err
		}()
		synctest.Wait()
		cancel(tired)
		if err := <-given; !errors.Is(err, tired) || err.Error() != "wait for resource db to be opened: tired" {
			t.Errorf("who gave up was told %v", err)
		}
		close(begin)
		if v, err := r.Get(t.Context(), o); v != "db" || err != nil {
			t.Errorf("db is %v, %v", v, err)
		}
		if v, err := r.Get(ctx, o); v != "db" || err != nil {
			t.Errorf("what is open is there also for a context that has ended, but it is %v, %v", v, err)
		}
		if opener.Err() != nil || opener.Value(key{}) != "of the process" || scope.From(opener) != nil {
			t.Error("the opener's context is that of an attempt")
		}
		if err := r.Close(); err != nil || opener.Err() == nil {
			t.Errorf("after Close, which said %v, the opener's context has not ended", err)
		}
	})
}

func TestFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	r := scope.NewResources(t.Context())
	defer r.Close()
	failures := []func(){
		func() { panic("boom") },
		func() { panic(component.Errorf(component.Unavailable, "down")) },
		runtime.Goexit,
	}
	refused := component.Errorf(component.Unavailable, "connection refused")
	calls := 0
	o := scope.Opener{Key: 1, Name: "db", Open: func(context.Context) (any, error) {
		if calls++; calls <= len(failures) {
			failures[calls-1]()
		}
		if calls == len(failures)+1 {
			return "half open", refused
		}
		return "db", nil
	}}
	for _, want := range []string{
		"open resource db: its opener panicked: boom\n", "open resource db: its opener panicked: down\n",
		"open resource db: its opener ended its goroutine", "open resource db: connection refused",
	} {
		v, err := r.Get(t.Context(), o)
		if v != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("db is %v, %v; want %s", v, err, want)
		}
		if strings.Contains(want, "panicked") && !strings.Contains(err.Error(), "resources_test.go:") {
			t.Errorf("the error does not say where: %v", err)
		}
		if strings.Contains(want, "refused") && !errors.Is(err, component.ErrUnavailable) {
			t.Errorf("the error lost its code: %v", err)
		}
	}
	if v, err := r.Get(t.Context(), o); v != "db" || err != nil {
		t.Errorf("db is %v, %v", v, err)
	}
}

// A resource that needs itself is an error, also if two goroutines come to it from both sides.
func TestCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := scope.NewResources(t.Context())
		defer r.Close()
		begin := make(chan struct{})
		var a, b scope.Opener
		a = scope.Opener{Key: 1, Name: "a", Open: func(ctx context.Context) (any, error) {
			<-begin
			return r.Get(ctx, b)
		}}
		b = scope.Opener{Key: 2, Name: "b", Open: func(ctx context.Context) (any, error) {
			<-begin
			return r.Get(ctx, a)
		}}
		errs := make(chan error, 2)
		for _, o := range []scope.Opener{a, b} {
			go func() {
				_, err := r.Get(t.Context(), o)
				errs <- err
			}()
		}
		synctest.Wait()
		close(begin)
		for range 2 {
			if err := <-errs; !errors.Is(err, component.ErrInvalid) || !strings.Contains(err.Error(), "needs itself to be opened") {
				t.Errorf("the error is %v", err)
			}
		}
		own := scope.Opener{Key: 3, Name: "c"}
		own.Open = func(ctx context.Context) (any, error) { return r.Get(ctx, own) }
		if _, err := r.Get(t.Context(), own); err == nil || err.Error() != "open resource c: resource c needs itself to be opened: c asks for it" {
			t.Errorf("the error is %v", err)
		}
	})
}

// Everything is closed, whatever one of them does.
func TestCloseFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, closeFailures)
}

func closeFailures(t *testing.T) {
	r := scope.NewResources(t.Context())
	var closed atomic.Int64
	stuck := errors.New("stuck")
	never := make(chan struct{})
	for i, fail := range []func() error{
		func() error { return stuck }, func() error { panic("boom") }, func() error { return nil }, nil,
		func() error { runtime.Goexit(); return nil },
		func() error { <-never; return nil },
	} {
		o := scope.Opener{Key: i, Name: fmt.Sprint("r", i), Open: func(context.Context) (any, error) { return i, nil }}
		if fail != nil {
			o.Close = func(any) error {
				closed.Add(1)
				return fail()
			}
		}
		if _, err := r.Get(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	err := r.Close()
	close(never)
	const want = "close resource r5: it did not end within 10s and is left alone\nclose resource r4: it ended its goroutine with runtime.Goexit\n" +
		"close resource r1: it panicked: boom\n"
	if closed.Load() != 5 || !errors.Is(err, stuck) || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "\nclose resource r0: stuck") {
		t.Errorf("%d were closed; the error is %v", closed.Load(), err)
	}
	if took := time.Since(begin); took != 10*time.Second {
		t.Errorf("it took %v", took)
	}
	_, err = r.Get(t.Context(), scope.Opener{Key: 9, Name: "late"})
	if !errors.Is(err, component.ErrFailedPrecondition) || err.Error() != "resource late: the resources of this process are closed" {
		t.Errorf("after Close: %v", err)
	}
}

// Close does not wait for an opener, which is told to stop. What it opens nevertheless is closed.
func TestCloseWhileOpening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := scope.NewResources(t.Context())
		var d diary
		o := d.opener("db")
		open := o.Open
		o.Open = func(ctx context.Context) (any, error) {
			<-ctx.Done()
			return open(ctx)
		}
		o.Close = func(any) error {
			d.note("close db")
			return errors.New("stuck")
		}
		told := make(chan error, 1)
		go func() {
			_, err := r.Get(t.Context(), *o)
			told <- err
		}()
		synctest.Wait()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		err := <-told
		if !errors.Is(err, component.ErrFailedPrecondition) || !strings.HasSuffix(err.Error(), "\nclose resource db: stuck") {
			t.Errorf("the error is %v", err)
		}
		if diff := cmp.Diff([]string{"open db", "close db"}, d.lines); diff != "" {
			t.Error(diff)
		}
	})
}

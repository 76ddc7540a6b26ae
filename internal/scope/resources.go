package scope

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/stacktrace"
)

// closePatience is how long the closing of one resource may take.
const closePatience = 10 * time.Second

// Resources are the dependencies that the steps of one process share, such as a pool of connections. Each is opened when it is first
// needed, and all are closed together. Safe for concurrent use.
type Resources struct {
	life context.Context //nolint:containedctx // of what is opened, which lives longer than any call

	mu     sync.Mutex
	known  map[any]*resource // by key: open, or being opened
	opened []*resource       // in the order in which they were opened
	closed bool
}

// Opener says how a resource is opened and closed.
type Opener struct {
	Key  any // comparable; tells resources apart
	Name string
	Open func(ctx context.Context) (any, error)
	// Close releases what Open returned. Nil: there is nothing to release.
	Close func(v any) error
}

// resource is one that is open, or being opened.
type resource struct {
	Opener
	life context.Context //nolint:containedctx // of what is opened
	end  context.CancelFunc
	// ready is closed when value and err are set.
	ready chan struct{}
	value any
	err   error
	needs []*resource // what its opener asked for; guarded by Resources.mu
}

// NewResources returns an empty set, to be closed by the caller. What is opened sees the values of ctx, and does not end with it.
func NewResources(ctx context.Context) *Resources {
	return &Resources{life: With(context.WithoutCancel(ctx), nil), known: map[any]*resource{}}
}

// Get returns a resource, which is opened if it is not. Of several calls at once one opens and all wait, each no longer than its ctx. A failure
// is not remembered. The opener's context lives until the resource is closed.
func (r *Resources) Get(ctx context.Context, o Opener) (any, error) {
	res, err := r.find(r.opening(ctx), o)
	if err != nil {
		return nil, err
	}
	select {
	case <-res.ready:
		return res.value, res.err
	default:
	}
	select {
	case <-res.ready:
		return res.value, res.err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for resource %s to be opened: %w", o.Name, context.Cause(ctx))
	}
}

// find returns a resource, and begins to open it if nobody has. By is the resource whose opener asks, or nil.
func (r *Resources) find(by *resource, o Opener) (*resource, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, component.Errorf(component.FailedPrecondition, "resource %s: the resources of this process are closed", o.Name)
	}
	res := r.known[o.Key]
	if by != nil && res != nil && res.reaches(by) {
		return nil, component.Errorf(component.Invalid, "resource %s needs itself to be opened: %s asks for it", o.Name, by.Name)
	}
	if res == nil {
		res = &resource{Opener: o, ready: make(chan struct{})}
		res.life, res.end = context.WithCancel(context.WithValue(r.life, resourcesKey{}, held{r, res}))
		r.known[o.Key] = res
		go r.open(res)
	}
	if by != nil && !slices.Contains(by.needs, res) {
		by.needs = append(by.needs, res)
	}
	return res, nil
}

// reaches reports whether res needs other, perhaps through others.
func (res *resource) reaches(other *resource) bool {
	return res == other || slices.ContainsFunc(res.needs, func(n *resource) bool { return n.reaches(other) })
}

// open opens a resource, in a goroutine of its own: who waits for it may give up, and others go on.
func (r *Resources) open(res *resource) {
	value, err := any(nil), errors.New("its opener ended its goroutine with runtime.Goexit")
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its opener panicked: %v\n%s", p, stacktrace.Recovered())
		}
		r.settle(res, value, err)
	}()
	value, err = res.Open(res.life)
}

// settle keeps what was opened. What comes after Close is closed at once.
func (r *Resources) settle(res *resource, value any, err error) {
	defer close(res.ready)
	if err != nil {
		res.end()
		res.err = fmt.Errorf("open resource %s: %w", res.Name, err)
		r.forget(res)
		return
	}
	res.value = value
	if r.keep(res) {
		return
	}
	late := component.Errorf(component.FailedPrecondition, "resource %s was opened after the resources of this process were closed", res.Name)
	res.err = errors.Join(late, res.shut())
	res.value = nil
}

// keep reports whether res will be closed by Close.
func (r *Resources) keep(res *resource) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.opened = append(r.opened, res)
	}
	return !r.closed
}

func (r *Resources) forget(res *resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, res.Key)
}

// Close closes what is open, the last opened first, and returns what went wrong. What is still being opened is cancelled and not waited for.
// Further calls return nil.
func (r *Resources) Close() error {
	r.mu.Lock()
	opened := r.opened
	r.closed, r.opened = true, nil
	for _, res := range r.known {
		if !slices.Contains(opened, res) {
			res.end()
		}
	}
	r.known = nil
	r.mu.Unlock()
	var errs []error
	for _, res := range slices.Backward(opened) {
		errs = append(errs, res.shut())
	}
	return errors.Join(errs...)
}

// shut closes a resource, and then ends its context. It waits no longer than closePatience: a pool may wait for a step that was abandoned.
func (res *resource) shut() error {
	defer res.end()
	if res.Close == nil {
		return nil
	}
	value, closed := res.value, make(chan error, 1)
	go func() {
		err := errors.New("it ended its goroutine with runtime.Goexit")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("it panicked: %v\n%s", p, stacktrace.Recovered())
			}
			closed <- err
		}()
		err = res.Close(value)
	}()
	late := time.NewTimer(closePatience)
	defer late.Stop()
	var err error
	select {
	case err = <-closed:
	case <-late.C:
		err = component.Errorf(component.DeadlineExceeded, "it did not end within %v and is left alone", closePatience)
	}
	if err != nil {
		return fmt.Errorf("close resource %s: %w", res.Name, err)
	}
	return nil
}

type resourcesKey struct{}

// held is what a context carries.
type held struct {
	all *Resources
	by  *resource // whose opener has the context, or nil
}

// WithResources returns a context that carries r, for code that is no step.
func WithResources(ctx context.Context, r *Resources) context.Context {
	return context.WithValue(ctx, resourcesKey{}, held{all: r})
}

// ResourcesFrom returns the resources that ctx carries, or nil outside a run.
func ResourcesFrom(ctx context.Context) *Resources {
	if s := From(ctx); s != nil && s.Resources != nil {
		return s.Resources
	}
	h, _ := ctx.Value(resourcesKey{}).(held)
	return h.all
}

// opening returns the resource of r whose opener has ctx, or nil.
func (r *Resources) opening(ctx context.Context) *resource {
	if h, _ := ctx.Value(resourcesKey{}).(held); h.all == r {
		return h.by
	}
	return nil
}

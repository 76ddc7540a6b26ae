package component_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
)

var readers = component.NewKind[io.Reader]("reader")

type inner struct{ N int }

type config struct {
	Path  string
	Tags  map[string][]string
	Hosts []inner
	Limit *inner
	Any   any
	Pair  [1][]int
	Since time.Time
	Self  *config
}

func (c *config) Validate() error {
	if c.Path == "" {
		return errors.New("path: must be set")
	}
	return nil
}

func flavor(open func(context.Context, config, component.Env) (io.Reader, error)) component.Flavor {
	return component.New("text", readers, config{}, open)
}

func TestConfigSharesNothing(t *testing.T) {
	t.Parallel()
	fresh := func() config {
		c := config{
			Tags: map[string][]string{"a": {"x"}}, Hosts: []inner{{1}}, Limit: &inner{2}, Any: map[string]any{"k": []any{1}},
			Pair: [1][]int{{3}}, Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		c.Self = &config{Path: "cycle"}
		c.Self.Self = c.Self
		return c
	}
	change := func(c *config) {
		c.Tags["a"][0], c.Tags["b"] = "changed", nil
		c.Hosts[0].N, c.Limit.N, c.Pair[0][0] = 9, 9, 9
		c.Any.(map[string]any)["k"].([]any)[0] = 9
		c.Self.Path = "changed"
	}
	defaults := fresh()
	f := component.New("text", readers, defaults, func(context.Context, config, component.Env) (io.Reader, error) { return nil, nil })
	change(&defaults)
	change(f.Config().(*config))
	got := f.Config().(*config)
	if got.Self.Self != got.Self || got.Self.Path != "cycle" {
		t.Error("a cycle of pointers is not copied as a cycle")
	}
	got.Self = nil
	want := fresh()
	want.Self = nil
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("configurations share memory: %s", diff)
	}
}

func TestConfigSharesWhatIsNotData(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	f := component.New("text", readers, struct{ Logger *slog.Logger }{logger}, func(context.Context, struct{ Logger *slog.Logger }, component.Env) (io.Reader, error) {
		return nil, nil
	})
	if f.Config().(*struct{ Logger *slog.Logger }).Logger != logger {
		t.Error("a logger was copied")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	logged := false
	f := flavor(func(_ context.Context, c config, env component.Env) (io.Reader, error) {
		logged = env.Logger != nil
		return strings.NewReader(c.Path), nil
	}).WithDoc("reads its path")
	if f.Name() != "text" || f.Kind() != "reader" || f.Doc() != "reads its path" || readers.String() != "reader" {
		t.Errorf("got %q, %q, %q", f.Name(), f.Kind(), f.Doc())
	}
	c := f.Config().(*config)
	if err := f.Validate(c); component.CodeOf(err) != component.Invalid || err.Error() != `reader "text": path: must be set` {
		t.Errorf("Validate: %v", err)
	}
	c.Path = "hello"
	if err := f.Validate(c); err != nil {
		t.Error(err)
	}
	r, err := component.Open(t.Context(), f, readers, any(c), component.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(r); string(text) != "hello" || !logged {
		t.Errorf("got %q, logger: %v", text, logged)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	denied := component.Errorf(component.PermissionDenied, "keep out")
	returns := func(r io.Reader, err error) component.Flavor {
		return flavor(func(context.Context, config, component.Env) (io.Reader, error) { return r, err })
	}
	for name, test := range map[string]struct {
		flavor component.Flavor
		config any
		code   component.Code
		want   string
	}{
		"other kind":     {component.New("x", component.NewKind[io.Writer]("writer"), config{}, nil), &config{}, component.Invalid, `flavor "x" is a writer, not a reader`},
		"zero flavor":    {component.Flavor{}, nil, component.Invalid, "is a , not a reader"},
		"no opener":      {flavor(nil), &config{}, component.Invalid, "cannot be opened"},
		"foreign config": {returns(nil, nil), &inner{}, component.Invalid, "is a *component_test.inner: want one that Flavor.Config made"},
		"nil config":     {returns(nil, nil), nil, component.Invalid, "is a <nil>"},
		"nil component":  {returns(nil, nil), &config{}, component.Unknown, "returned <nil> and no error"},
		"error":          {returns(nil, denied), &config{}, component.PermissionDenied, `open reader "text": keep out`},
		"cancelled":      {returns(nil, context.Canceled), &config{}, component.Canceled, "context canceled"},
	} {
		_, err := component.Open(t.Context(), test.flavor, readers, test.config, component.Env{})
		if err == nil || component.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v (%v), want %q (%v)", name, err, component.CodeOf(err), test.want, test.code)
		}
	}
	if component.Flavor.Config(component.Flavor{}) != nil {
		t.Error("the zero flavor has a configuration")
	}
}

type condemned struct{}

func (condemned) Error() string               { return "condemned" }
func (condemned) Is(target error) bool        { return target == component.ErrFailedPrecondition }
func wrapped(err error) error                 { return fmt.Errorf("step load: %w", err) }
func uncoded(err error) error                 { return component.Errorf(component.Unknown, "somewhere: %w", err) }
func coded(c component.Code) error            { return component.Errorf(c, "text") }
func both(errs ...error) error                { return wrapped(errors.Join(errs...)) }
func recoded(c component.Code, e error) error { return component.Errorf(c, "outer: %w", e) }

func TestCodeOf(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	for name, test := range map[string]struct {
		err  error
		want component.Code
	}{
		"nil":                {nil, component.Unknown},
		"plain":              {plain, component.Unknown},
		"coded":              {coded(component.Corrupt), component.Corrupt},
		"sentinel":           {component.ErrExhausted, component.Exhausted},
		"wrapped":            {wrapped(coded(component.Unavailable)), component.Unavailable},
		"wrapped sentinel":   {wrapped(component.ErrNotFound), component.NotFound},
		"outermost wins":     {recoded(component.Invalid, coded(component.NotFound)), component.Invalid},
		"unknown is no code": {uncoded(coded(component.NotFound)), component.NotFound},
		"joined":             {both(plain, coded(component.AlreadyExists)), component.AlreadyExists},
		"first of joined":    {both(wrapped(coded(component.Invalid)), component.ErrNotFound), component.Invalid},
		"canceled":           {context.Canceled, component.Canceled},
		"wrapped canceled":   {both(plain, uncoded(context.Canceled)), component.Canceled},
		"deadline":           {wrapped(context.DeadlineExceeded), component.DeadlineExceeded},
		"own Is":             {wrapped(condemned{}), component.FailedPrecondition},
		"code without text":  {&component.Error{Code: component.Unsupported}, component.Unsupported},
	} {
		if got := component.CodeOf(test.err); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		component.ErrNotFound, component.ErrAlreadyExists, component.ErrInvalid, component.ErrUnauthenticated, component.ErrPermissionDenied,
		component.ErrUnavailable, component.ErrUnsupported, component.ErrFailedPrecondition, component.ErrCorrupt, component.ErrCanceled,
		component.ErrDeadlineExceeded, component.ErrExhausted,
	}
	for i, sentinel := range sentinels {
		code := component.Code(i + 1)
		err := both(errors.New("other"), uncoded(coded(code)))
		for j, other := range sentinels {
			if errors.Is(err, other) != (i == j) {
				t.Errorf("errors.Is(%v, %v) is %v", code, other, i != j)
			}
		}
		if sentinel.Error() != code.String() || component.CodeOf(sentinel) != code {
			t.Errorf("sentinel %d: %v, %v", code, sentinel, code)
		}
		if got := (&component.Error{Code: code}).Error(); got != code.String() {
			t.Errorf("an error without text says %q", got)
		}
	}
	for _, none := range []component.Code{component.Unknown, 13, 255} {
		if none.String() != "unknown" || errors.Is(coded(none), component.ErrNotFound) {
			t.Errorf("code %d: %v", none, none)
		}
	}
	cause := errors.New("cause")
	if err := recoded(component.Corrupt, cause); !errors.Is(err, cause) || err.Error() != "outer: cause" {
		t.Errorf("got %v", err)
	}
}

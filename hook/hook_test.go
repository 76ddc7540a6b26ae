package hook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/hook"
)

// TestKey: one end has one key, in every process and time zone; another end has another.
func TestKey(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 0, 0, 1, time.UTC)
	e := hook.Event{Kind: hook.Step, Run: "r", Step: "s", State: "failed", Finished: at}
	if e.Key() != "ca560c51be3fd1a8fb07901b9ca323a6" {
		t.Errorf("the key is %s", e.Key())
	}
	same := e
	same.Error, same.Tags, same.Finished = "said otherwise", map[string]string{"a": "b"}, at.In(time.FixedZone("there", 3600))
	if same.Key() != e.Key() {
		t.Error("the same end has two keys")
	}
	seen := map[string]bool{e.Key(): true}
	for _, change := range []func(*hook.Event){
		func(e *hook.Event) { e.Kind = hook.Run },
		func(e *hook.Event) { e.Run = "r2" },
		func(e *hook.Event) { e.Step = "s2" },
		func(e *hook.Event) { e.Run, e.Step = "rs", "" },
		func(e *hook.Event) { e.State = "succeeded" },
		func(e *hook.Event) { e.Finished = at.Add(1) },
	} {
		other := e
		change(&other)
		if seen[other.Key()] {
			t.Errorf("%+v has the key of another end", other)
		}
		seen[other.Key()] = true
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	h := hook.Func(func(context.Context, hook.Event) error { return boom })
	long := hook.WithTimeout(h, time.Hour)
	if hook.Timeout(h) != 30*time.Second || hook.Timeout(long) != time.Hour {
		t.Errorf("the timeouts are %v and %v", hook.Timeout(h), hook.Timeout(long))
	}
	if err := long.Notify(t.Context(), hook.Event{}); !errors.Is(err, boom) {
		t.Errorf("the error is %v", err)
	}
	if err := hook.Validate(long); err != nil {
		t.Error(err)
	}
	for _, bad := range []hook.Hook{nil, hook.Func(nil), hook.WithTimeout(h, -1), hook.WithTimeout(nil, 1), hook.WithTimeout(hook.Func(nil), 1)} {
		if err := hook.Validate(bad); !errors.Is(err, component.ErrInvalid) {
			t.Errorf("%T: %v", bad, err)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	web := hook.Webhook{URL: "https://example.com/secret"}
	for want, h := range map[string]hook.Hook{
		"hook.Func":                   hook.Func(nil),
		"webhook https://example.com": hook.WithTimeout(web, time.Minute),
		"*hook_test.own":              hook.WithTimeout(&own{}, time.Minute),
	} {
		if got := hook.Name(h); got != want {
			t.Errorf("%T is called %q, want %q", h, got, want)
		}
	}
}

type own struct{}

func (*own) Notify(context.Context, hook.Event) error { return nil }

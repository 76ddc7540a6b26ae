package step_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/step"
)

// configs draws valid configurations in which every field often says nothing, and sometimes none.
func configs() *rapid.Generator[step.Config] {
	return rapid.Custom(func(t *rapid.T) step.Config {
		durations := rapid.SampledFrom([]time.Duration{0, 0, -1, 1, time.Second, time.Hour})
		return step.Config{
			Retry: step.Retry{
				Attempts:   rapid.IntRange(0, 3).Draw(t, "attempts"),
				Backoff:    time.Duration(rapid.IntRange(0, 2).Draw(t, "backoff")),
				MaxBackoff: time.Duration(rapid.IntRange(0, 2).Draw(t, "max backoff")),
			},
			Timeout: durations.Draw(t, "timeout"),
			Resources: step.Resources{
				CPU:    rapid.SampledFrom([]float64{0, 0, -1, 0.5, 4}).Draw(t, "cpu"),
				Memory: rapid.SampledFrom([]step.Bytes{0, 0, -1, 1, 1 << 62}).Draw(t, "memory"),
				GPU:    rapid.IntRange(-1, 2).Draw(t, "gpu"),
			},
			Cache: step.Cache{
				Mode: rapid.SampledFrom([]step.CacheMode{"", step.CacheOn, step.CacheNever, step.CachePure}).Draw(t, "mode"),
				TTL:  durations.Draw(t, "ttl"),
			},
			Version:     rapid.SampledFrom([]string{"", "", step.NoVersion, "1", "2"}).Draw(t, "version"),
			Limits:      rapid.SampledFrom([][]string{nil, nil, {}, {"api"}, {"api", "db"}}).Draw(t, "limits"),
			Tolerate:    rapid.SampledFrom([]step.Tolerance{{}, {}, step.NoTolerance, {Count: 2}, {Share: 0.5}}).Draw(t, "tolerate"),
			ShareInputs: rapid.SampledFrom([]step.Switch{"", step.On, step.Off}).Draw(t, "share inputs"),
			Runner:      rapid.SampledFrom([]string{"", "goroutine", "process"}).Draw(t, "runner"),
			External:    rapid.SampledFrom([]step.Switch{"", step.On, step.Off}).Draw(t, "external"),
		}
	})
}

func TestMergeLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := configs().Draw(t, "a"), configs().Draw(t, "b"), configs().Draw(t, "c")
		if d := cmp.Diff(a.Merge(b).Merge(c), a.Merge(b.Merge(c))); d != "" {
			t.Errorf("merging is not associative:\n%s", d)
		}
		if d := cmp.Diff(a, a.Merge(step.Config{})) + cmp.Diff(a, (step.Config{}).Merge(a)); d != "" {
			t.Errorf("the zero Config says something:\n%s", d)
		}
		if d := cmp.Diff(a, a.Merge(a)); d != "" {
			t.Errorf("merging with itself changes:\n%s", d)
		}
		if d := cmp.Diff(a.Resolved(), a.Resolved().Resolved()); d != "" {
			t.Errorf("resolving twice changes:\n%s", d)
		}
		if err := a.Merge(b).Resolved().Validate(); err != nil {
			t.Errorf("valid layers merge to something invalid: %v", err)
		}
	})
}

// Everything that a layer can say is said by full, and taken back by none: a field that is added to Config must be added here.
var (
	full = step.Config{
		Retry: step.Retry{Attempts: 3, Backoff: 1, MaxBackoff: 2}, Timeout: 3, Resources: step.Resources{CPU: 1, Memory: 2, GPU: 3},
		Cache: step.Cache{Mode: step.CachePure, TTL: 4}, Version: "v", Limits: []string{"api"}, Tolerate: step.Tolerance{Count: 1, Share: 0.5},
		ShareInputs: step.On, Runner: "process", External: step.On,
	}
	none = step.Config{
		Retry: step.NoRetry, Timeout: step.NoTimeout, Resources: step.NoResources, Cache: step.Cache{Mode: step.CacheOn, TTL: step.NoTTL},
		Version: step.NoVersion, Limits: []string{}, Tolerate: step.NoTolerance, ShareInputs: step.Off, Runner: "goroutine", External: step.Off,
	}
)

func TestEveryFieldIsMerged(t *testing.T) {
	t.Parallel()
	allSet(t, reflect.ValueOf(full), "Config")
	if d := cmp.Diff(full, full.Merge(none)); d != "" {
		t.Errorf("a higher layer does not win:\n%s", d)
	}
	if d := cmp.Diff(full, (step.Config{}).Merge(full)); d != "" {
		t.Errorf("a lower layer gets lost:\n%s", d)
	}
	if d := cmp.Diff(full, full.Resolved()); d != "" {
		t.Errorf("resolving changes what is not none:\n%s", d)
	}
}

func TestNoneTakesBack(t *testing.T) {
	t.Parallel()
	want := step.Config{ // what a step of which nothing is said does, in words
		Retry: step.Retry{Attempts: 1, Backoff: 1, MaxBackoff: 2}, Cache: step.Cache{Mode: step.CacheOn}, ShareInputs: step.Off, Runner: "goroutine",
		External: step.Off,
	}
	if d := cmp.Diff(want, none.Merge(full).Resolved()); d != "" {
		t.Errorf("none over everything:\n%s", d)
	}
	if d := cmp.Diff(full, full.Merge(none.Merge(full)).Resolved()); d != "" {
		t.Errorf("a still higher layer cannot set again what was taken back:\n%s", d)
	}
}

func allSet(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if v.Kind() != reflect.Struct {
		if v.IsZero() {
			t.Errorf("%s is zero: this test does not cover it", path)
		}
		return
	}
	for i := range v.NumField() {
		allSet(t, v.Field(i), path+"."+v.Type().Field(i).Name)
	}
}

func TestMergeSharesNothing(t *testing.T) {
	t.Parallel()
	upper, lower := step.Config{Limits: []string{"a"}}, step.Config{Limits: []string{"b"}}
	fromUpper, fromLower := upper.Merge(lower), (step.Config{}).Merge(lower)
	upper.Limits[0], lower.Limits[0] = "x", "x"
	if fromUpper.Limits[0] != "a" || fromLower.Limits[0] != "b" {
		t.Errorf("limits %q and %q changed with their layers", fromUpper.Limits, fromLower.Limits)
	}
}

// A layer that was stored, or written to a file, is the same layer when it is read back.
func TestJSONAndYAMLRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := configs().Draw(t, "config")
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON step.Config
		if err := json.Unmarshal(data, &fromJSON); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if d := cmp.Diff(want, fromJSON); d != "" {
			t.Errorf("JSON %s:\n%s", data, d)
		}
		text, err := strictyaml.Encode(strictyaml.Plain(want))
		if err != nil {
			t.Fatal(err)
		}
		var fromYAML step.Config
		if err := parseYAML(text, &fromYAML); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(want, fromYAML); d != "" {
			t.Errorf("YAML %s:\n%s", text, d)
		}
	})
}

func parseYAML(text []byte, into *step.Config) error {
	doc, err := strictyaml.Parse(text, "config.yaml")
	if err != nil {
		return err
	}
	return doc.Decode(into)
}

func TestYAMLAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	const text = `
retry: {attempts: 3, backoff: 5s}
timeout: -1ns
resources: {cpu: 1.5, memory: 4GiB, gpu: -1}
cache: {mode: never, ttl: 24h}
version: "2"
limits: []
tolerate: {share: 0.1}
share_inputs: on
external: off
`
	want := step.Config{
		Retry: step.Retry{Attempts: 3, Backoff: 5 * time.Second}, Timeout: step.NoTimeout,
		Resources: step.Resources{CPU: 1.5, Memory: 4 << 30, GPU: -1}, Cache: step.Cache{Mode: step.CacheNever, TTL: 24 * time.Hour},
		Version: "2", Limits: []string{}, Tolerate: step.Tolerance{Share: 0.1}, ShareInputs: step.On, External: step.Off,
	}
	var got step.Config
	if err := parseYAML([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

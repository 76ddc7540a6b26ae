package metadatatest

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

func valueTests() []test {
	return []test{
		{"WholeRecords", valueWhole},
		{"EmptyInline", valueEmptyInline},
		{"InvalidKeys", valueInvalidKeys},
		{"Invalid", valueInvalid},
		{"Hostile", valueHostile},
		{"Text", valueText},
		{"Huge", valueHuge},
		{"LargeBatch", valueLargeBatch},
	}
}

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// Every field of every record comes back.
func valueWhole(s *suite) {
	r := newRun()
	r.Tags, r.Driver = map[string]string{"team": "a", "empty": ""}, metadata.Driver{Host: "h", PID: 42}
	r.Finished, r.Error, r.State, r.Lost, r.Replays, r.Code = moment(90), "step train: no", metadata.RunFailed, true, newID(), digest("code")
	r.Cost = metadata.Cost{CPU: 3, PeakMemory: 1 << 40, Read: 1, Written: 2}
	r.Counts = map[metadata.StepState]int{metadata.StepFailed: 1, metadata.StepSkipped: 2}
	record := artifact.Record{
		Digest: digest("list"), Size: 1 << 40, Codec: artifact.GatherCodec, Type: "[]string", Meta: map[string]any{"rows": 3.0, "name": "x", "nested": []any{true, nil}},
		Preview: "two", Elements: []artifact.Record{inline("one"), stored("two")},
	}
	r.Outputs = map[string]artifact.Record{"Model": record}
	st := metadata.Step{
		StepKey: metadata.StepKey{Run: r.ID, Step: "train", Index: 7}, State: metadata.StepCached, CacheKey: "key", Uncached: "why", Computed: moment(1),
		Origin: &metadata.StepKey{Run: newID(), Step: "train", Index: -1}, Attempts: 2, Started: moment(2), Finished: moment(3), Error: "error", Skip: "skip",
		Inputs:  []metadata.Input{{Name: "Rows", Artifact: newID(), Digest: digest("in")}, {Name: "CSV", Digest: digest("csv"), URI: "file:///a b.csv"}},
		Outputs: []metadata.Output{{ID: newID(), Name: "output", Record: record}}, Elements: 3,
	}
	a := metadata.Attempt{
		ID: newID(), StepKey: st.StepKey, Number: 2, State: metadata.StepFailed, Started: moment(2), Finished: moment(3), Error: "error", Stack: "goroutine 1",
		Reason: "panic", Host: "h", Cost: metadata.Cost{CPU: time.Second, PeakMemory: 1 << 33, Read: 7, Written: 8}, Logs: []metadata.LogChunk{{Lines: 1, Size: 10, Inline: []byte{0, 255}}, {Lines: 2, Size: 20, Digest: digest("log")}},
		Printed: []metadata.LogChunk{{Lines: 3, Size: 30, Digest: digest("printed")}},
	}
	m := metadata.Metric{StepKey: st.StepKey, Attempt: a.ID, Name: "loss", Value: 0.1, Time: moment(2), Seq: 3}
	saved := checkpoint(metadata.StepKey{Run: r.ID, Step: "next", Index: 2}, "state")
	saved.Record = record
	sig := signal(r.ID, metadata.SignalApprove)
	for _, v := range []any{r, r.Cost, st, a, a.Cost, m, saved, sig} {
		s.checkFilled(v)
	}
	s.apply(metadata.Batch{
		Create: []metadata.Run{r}, Steps: []metadata.Step{st}, Attempts: []metadata.Attempt{a}, Metrics: []metadata.Metric{m},
		Versions: []metadata.Version{{Name: model, Artifact: st.Outputs[0].ID, Created: moment(4)}}, Durable: true,
		Checkpoints: []metadata.Checkpoint{saved}, Signals: []metadata.Signal{sig},
	})
	s.checkCheckpoints("of a run", r.ID, saved)
	s.equal("signals", s.signals(r.ID, 10), []metadata.Signal{sig})
	s.checkRun(r)
	s.equal("steps", s.listSteps(10, metadata.StepQuery{Run: r.ID}), []metadata.Step{st})
	attempts, err := s.Attempts(s.Context(), metadata.AttemptQuery{Run: r.ID})
	if err != nil {
		s.Fatal(err)
	}
	s.equal("attempts", attempts.Items, []metadata.Attempt{a})
	s.equal("metrics", s.listMetrics(10, metadata.MetricQuery{Run: r.ID}), []metadata.Metric{m})
	want := artifactOf(r, st, 0)
	want.Versions = []metadata.Version{{Name: model, Version: 1, Artifact: want.ID, Created: moment(4)}}
	s.equal("artifacts", s.listArtifacts(10, metadata.ArtifactQuery{}), []metadata.Artifact{want})
}

// checkFilled checks that this test leaves no field of a record out.
func (s *suite) checkFilled(record any) {
	s.Helper()
	for _, f := range reflect.VisibleFields(reflect.TypeOf(record)) {
		if reflect.ValueOf(record).FieldByIndex(f.Index).IsZero() {
			s.Errorf("the suite does not fill %T.%s", record, f.Name)
		}
	}
}

// Content of no bytes is inline, and does not become content of the artifact store.
func valueEmptyInline(s *suite) {
	r := s.run()
	st := withOutput(step(r.ID, "empty", metadata.StepSucceeded), inline(""))
	st.CacheKey = "key"
	s.apply(steps(st))
	a, err := s.Artifact(s.Context(), st.Outputs[0].ID)
	if err != nil {
		s.Fatal(err)
	}
	for what, record := range map[string]artifact.Record{"Artifact": a.Record, "Lookup": s.lookup("key")["key"].Outputs[0].Record} {
		if record.Inline == nil || len(record.Inline) != 0 {
			s.Errorf("%s: inline content of no bytes is %#v", what, record.Inline)
		}
	}
}

// invalidKeys are what no key may be.
func invalidKeys() map[string]string {
	return map[string]string{
		"an empty key": "", "a long key": strings.Repeat("k", 1025), "NUL in a key": "a\x00b", "a key that is not UTF-8": "a\xffb",
	}
}

func valueInvalidKeys(s *suite) {
	ctx, r := s.Context(), s.run()
	for what, key := range invalidKeys() {
		at := metadata.StepKey{Run: r.ID, Step: key, Index: -1}
		output, run, tagged, pipeline, replays := made(r.ID, "a", "b"), newRun(), newRun(), newRun(), newRun()
		output.Outputs[0].ID, run.ID, tagged.Tags, pipeline.Pipeline = key, key, map[string]string{key: "v"}, key
		if replays.Replays = key; key == "" {
			replays = run // an empty one is none
		}
		for where, b := range map[string]metadata.Batch{
			"run":      {Create: []metadata.Run{run}},
			"tag":      {Create: []metadata.Run{tagged}},
			"pipeline": {Create: []metadata.Run{pipeline}},
			"update":   {Update: []metadata.Run{run}},
			"step":     steps(step(r.ID, key, metadata.StepReady)),
			"step.run": steps(step(key, "a", metadata.StepReady)),
			"output":   steps(output),
			"attempt":  {Attempts: []metadata.Attempt{attempt(at, 1)}},
			"metric":   {Metrics: []metadata.Metric{{StepKey: step(r.ID, "a", "").StepKey, Attempt: "a", Name: key}}},
			"replays":  {Create: []metadata.Run{replays}},
			"saved":    checkpoints(checkpoint(at, "x")),
			"saver":    checkpoints(metadata.Checkpoint{StepKey: step(r.ID, "a", "").StepKey, Attempt: key, Record: inline("x")}),
			"signal":   {Signals: []metadata.Signal{{ID: newID(), Run: key, Kind: metadata.SignalCancel}}},
			"approval": {Signals: []metadata.Signal{{ID: newID(), Run: r.ID, Kind: metadata.SignalApprove, Step: key}}},
			"version":  {Versions: []metadata.Version{{Name: key, Artifact: newID()}}},
		} {
			s.refuses(what+" as "+where, b, component.Invalid)
		}
		calls := map[string]error{}
		_, calls["Run"] = s.Run(ctx, key)
		_, calls["Steps"] = s.Steps(ctx, metadata.StepQuery{Run: key})
		_, calls["CountSteps"] = s.CountSteps(ctx, key)
		_, calls["Attempts"] = s.Attempts(ctx, metadata.AttemptQuery{Run: key})
		_, calls["Metrics"] = s.Metrics(ctx, metadata.MetricQuery{Run: key})
		_, calls["Artifact"] = s.Artifact(ctx, key)
		_, calls["Version"] = s.Version(ctx, key, 0)
		_, calls["Lookup"] = s.Lookup(ctx, []string{key})
		_, calls["Checkpoints"] = s.Checkpoints(ctx, key)
		_, calls["Signals"] = s.Signals(ctx, metadata.SignalQuery{Run: key})
		_, calls["Forget"] = s.Forget(ctx, []string{key}, time.Time{})
		calls["DeleteRun"] = s.DeleteRun(ctx, key)
		if key != "" {
			_, calls["Names"] = s.Names(ctx, key, metadata.Cursor{})
			_, calls["Results"] = s.Results(ctx, metadata.ResultQuery{Pipeline: key})
			_, calls["Runs"] = s.Runs(ctx, metadata.RunQuery{Name: key})
			_, calls["Artifacts"] = s.Artifacts(ctx, metadata.ArtifactQuery{Step: key})
		}
		for call, err := range calls {
			s.checkCode(call+" of "+what, err, component.Invalid)
		}
	}
	s.equal("the runs after all that was refused", s.listRuns(10, metadata.RunQuery{}), []string{r.ID})
}

func valueInvalid(s *suite) {
	r := s.run()
	bad := made(r.ID, "a", "b")
	bad.Outputs[0].Record.Digest = "md5:1"
	params, unknown, nan := newRun(), newRun(), made(r.ID, "c", "d")
	params.Params, unknown.State = json.RawMessage(`{"lr":`), "sleeping"
	nan.Outputs[0].Record.Meta = map[string]any{"f": func() {}}
	low := element(step(r.ID, "a", metadata.StepReady), -2)
	costly, state := attempt(step(r.ID, "a", "").StepKey, 1), checkpoint(step(r.ID, "a", "").StepKey, "state")
	costly.Cost.Read, state.Record.Digest = -1, "sha256:"
	for what, b := range map[string]metadata.Batch{
		"a batch ID that is no UUID":           {ID: "batch-1"},
		"a batch ID that is no UUIDv7":         {ID: "f47ac10b-58cc-4372-a567-0e02b2c3d479"},
		"a document's digest":                  {Documents: []metadata.Document{{Digest: "x", Kind: "graph"}}},
		"an output's digest":                   steps(bad),
		"parameters that are no JSON":          {Create: []metadata.Run{params}},
		"an unknown state of a run":            {Create: []metadata.Run{unknown}},
		"an unknown state of a step":           steps(step(r.ID, "a", "sleeping")),
		"metadata that is no JSON":             steps(nan),
		"an index below -1":                    steps(low),
		"a plan's digest":                      {Update: []metadata.Run{{ID: r.ID, State: r.State, Epoch: 1, Plan: "sha256:0"}}},
		"a digest of code":                     {Update: []metadata.Run{{ID: r.ID, State: r.State, Epoch: 1, Code: "sha256:0"}}},
		"a cost below zero":                    {Attempts: []metadata.Attempt{costly}},
		"a run's cost below zero":              {Update: []metadata.Run{{ID: r.ID, State: r.State, Epoch: 1, Cost: metadata.Cost{CPU: -1}}}},
		"a checkpoint's digest":                checkpoints(state),
		"an error of more than 1 MiB":          {Update: []metadata.Run{{ID: r.ID, State: r.State, Epoch: 1, Error: strings.Repeat("e", 1<<20+1)}}},
		"an attempt's stack of more than that": {Attempts: []metadata.Attempt{{ID: newID(), StepKey: low.StepKey, Stack: strings.Repeat("e", 1<<20+1)}}},
	} {
		s.refuses(what, b, component.Invalid)
	}
	_, err := s.Runs(s.Context(), metadata.RunQuery{States: []metadata.RunState{"sleeping"}})
	s.checkCode("runs of an unknown state", err, component.Invalid)
	_, err = s.Steps(s.Context(), metadata.StepQuery{Run: r.ID, States: []metadata.StepState{"sleeping"}})
	s.checkCode("steps of an unknown state", err, component.Invalid)
	_, err = s.Results(s.Context(), metadata.ResultQuery{Before: time.Time{}.Add(1)})
	s.checkCode("results before the year 1678", err, component.Invalid)
	tags := map[string]string{}
	for i := range 101 {
		tags[strconv.Itoa(i)] = ""
	}
	_, err = s.Runs(s.Context(), metadata.RunQuery{Tags: tags})
	s.checkCode("a query of 101 tags", err, component.Invalid)
}

// hostile are keys that mean something to databases and codecs, and nothing to a store.
func hostile() []string {
	return []string{
		"'; DROP TABLE runs; --", `" OR ""="`, "%", "_", "a%b_c", "?1", ":name", "$1", "\\", "`", "\r\n\t", " ", " a", "a ", "../../etc/passwd",
		"{\"a\":1}", "null", "0", "-1", "1e9", "e\u0301", "\u00e9", "日本語", "🐧", "\u202e", "\ufeffa", "\uffff", "\U0010ffff", strings.Repeat("ü", 512), "<script>&",
	}
}

func valueHostile(s *suite) {
	r := s.run()
	var rows []metadata.Step
	for _, key := range hostile() {
		st := made(r.ID, key, key)
		st.CacheKey, st.Outputs[0].ID, st.Error = key, key, key
		rows = append(rows, st)
		tagged := newRun()
		tagged.Name, tagged.Pipeline, tagged.Tags = key, key, map[string]string{key: key}
		s.apply(metadata.Batch{
			Create: []metadata.Run{tagged}, Steps: []metadata.Step{st}, Versions: []metadata.Version{{Name: key, Artifact: key}},
			Attempts: []metadata.Attempt{{ID: key, StepKey: st.StepKey, State: metadata.StepFailed}},
			Metrics:  []metadata.Metric{{StepKey: st.StepKey, Attempt: key, Name: key, Time: moment(0)}},
			Signals:  []metadata.Signal{{ID: newID(), Run: r.ID, Kind: metadata.SignalReject, Step: key, By: key, Note: key}},

			Checkpoints: []metadata.Checkpoint{{StepKey: metadata.StepKey{Run: tagged.ID, Step: key}, Attempt: key, Record: inline(key)}},
		})
		saved, err := s.Checkpoints(s.Context(), tagged.ID)
		if err != nil || len(saved) != 1 || saved[0].Step != key || saved[0].Attempt != key {
			s.Errorf("checkpoint of %q: %+v, %v", key, saved, err)
		}
		if sent := s.signals(r.ID, 1000); len(sent) != len(rows) || sent[len(rows)-1].Step != key || sent[len(rows)-1].Note != key {
			s.Errorf("signal to %q: %+v", key, sent)
		}
		if named := s.names(1000, key); len(named) == 0 || named[0].Name != key {
			s.Errorf("name %q: %+v", key, named)
		}
		s.put(key, key, 0)
		if err := s.SetActiveStack(s.Context(), key); err != nil {
			s.Error(err)
		}
		for _, q := range []metadata.RunQuery{{Name: key}, {Pipeline: key}, {Tags: map[string]string{key: key}}, {IDPrefix: tagged.ID}} {
			s.equal(fmt.Sprintf("runs of %+v", q), s.listRuns(10, q), []string{tagged.ID})
		}
		s.equal(fmt.Sprintf("runs with the prefix %q", key), s.listRuns(10, metadata.RunQuery{IDPrefix: key[:min(len(key), 100)] + "x"}), []string(nil))
	}
	for _, st := range rows {
		key := st.Step
		s.equal(fmt.Sprintf("step %q", key), s.listSteps(10, metadata.StepQuery{Run: r.ID, Step: key}), []metadata.Step{st})
		s.equal(fmt.Sprintf("Lookup of %q", key), s.lookup(key), map[string]metadata.Step{key: st})
		a, err := s.Artifact(s.Context(), key)
		if err != nil || len(a.Versions) != 1 || a.Versions[0].Name != key {
			s.Errorf("artifact %q: %+v, %v", key, a, err)
		}
		if got := s.listMetrics(10, metadata.MetricQuery{Run: r.ID, Name: key}); len(got) != 1 {
			s.Errorf("metric %q: %+v", key, got)
		}
		if got := s.results(1000, metadata.ResultQuery{}); !slices.ContainsFunc(got, func(found metadata.Result) bool { return found.CacheKey == key }) {
			s.Errorf("result %q is not listed", key)
		}
		if got, err := s.Stack(s.Context(), key); err != nil || string(got.Spec) != key {
			s.Errorf("stack %q: %+v, %v", key, got, err)
		}
	}
	for _, limit := range []int{1, 1000} {
		if got := len(s.listSteps(limit, metadata.StepQuery{Run: r.ID})); got != len(rows) {
			s.Errorf("%d steps in pages of %d, want %d", got, limit, len(rows))
		}
		if got := len(s.listArtifacts(limit, metadata.ArtifactQuery{Run: r.ID})); got != len(rows) {
			s.Errorf("%d artifacts in pages of %d, want %d", got, limit, len(rows))
		}
	}
	s.end(r)
	for _, st := range rows {
		s.forget(1, st.CacheKey)
	}
}

// Text may hold anything.
func valueText(s *suite) {
	r := s.run()
	for i, text := range append(hostile(), "NUL \x00 inside", "line\u2028separator", "\x1b[31mred") {
		st := step(r.ID, fmt.Sprint("step ", i), metadata.StepFailed)
		st.Error, st.Skip, st.Uncached = text, text, text
		s.apply(steps(st))
		s.equal(fmt.Sprintf("text %q", text), s.listSteps(10, metadata.StepQuery{Run: r.ID, Step: st.Step}), []metadata.Step{st})
	}
	st := step(r.ID, "binary", metadata.StepFailed)
	st.Error = "before \xff\xfe after"
	s.apply(steps(st))
	got := s.listSteps(10, metadata.StepQuery{Run: r.ID, Step: st.Step})
	if len(got) != 1 || !strings.HasPrefix(got[0].Error, "before ") || !strings.HasSuffix(got[0].Error, " after") {
		s.Errorf("text that is not UTF-8 came back as %+v", got)
	}
}

func valueHuge(s *suite) {
	r := s.run()
	st := made(r.ID, "huge", strings.Repeat("i", artifact.InlineLimit))
	st.State, st.Error = metadata.StepFailed, strings.Repeat("e", 1<<20)
	st.Outputs[0].Record.Preview = strings.Repeat("p", artifact.PreviewLimit)
	a := attempt(st.StepKey, 1)
	a.Error, a.Stack, a.Logs = st.Error, strings.Repeat("s", 1<<20), []metadata.LogChunk{{Lines: 1, Size: 1 << 20, Inline: make([]byte, 1<<20)}}
	d := metadata.Document{Digest: digest("huge"), Kind: "graph", Body: []byte(strings.Repeat("g", 8<<20))}
	s.apply(metadata.Batch{Documents: []metadata.Document{d}, Steps: []metadata.Step{st}, Attempts: []metadata.Attempt{a}})
	if got := s.listSteps(10, metadata.StepQuery{Run: r.ID}); len(got) != 1 || got[0].Error != st.Error || !reflect.DeepEqual(got[0].Outputs, st.Outputs) {
		s.Error("a huge step came back changed")
	}
	attempts, err := s.Attempts(s.Context(), metadata.AttemptQuery{Run: r.ID})
	if err != nil || len(attempts.Items) != 1 || attempts.Items[0].Stack != a.Stack || !reflect.DeepEqual(attempts.Items[0].Logs, a.Logs) {
		s.Errorf("a huge attempt came back changed (%v)", err)
	}
	document, err := s.Document(s.Context(), d.Digest)
	if err != nil || string(document.Body) != string(d.Body) {
		s.Errorf("a huge document has %d bytes, want %d (%v)", len(document.Body), len(d.Body), err)
	}
}

func valueLargeBatch(s *suite) {
	const count = 10_000
	r := newRun()
	b := metadata.Batch{ID: newID(), Run: r.ID, Epoch: 1, Create: []metadata.Run{r}}
	for i, name := range names(count) {
		b.Steps = append(b.Steps, made(r.ID, name, name))
		b.Attempts = append(b.Attempts, attempt(b.Steps[i].StepKey, 1))
	}
	s.apply(b)
	got := s.listSteps(1000, metadata.StepQuery{Run: r.ID})
	if len(got) != count {
		s.Fatalf("%d steps, want %d", len(got), count)
	}
	for i := range count {
		if got[i].Step != b.Steps[i].Step || got[i].Outputs[0].ID != b.Steps[i].Outputs[0].ID {
			s.Fatalf("step %d is %s, want %s", i, got[i].Step, b.Steps[i].Step)
		}
	}
	counts, err := s.CountSteps(s.Context(), r.ID)
	if err != nil || counts[metadata.StepSucceeded] != count {
		s.Errorf("CountSteps: %v, %v", counts, err)
	}
	b.ID, b.Create = newID(), nil
	b.Steps = append(b.Steps, step(newID(), "of no run", metadata.StepReady))
	b.Steps[0].Error = "changed"
	s.refuses("10,000 steps and one that is refused", b, component.NotFound)
	if got := s.listSteps(1, metadata.StepQuery{Run: r.ID, Step: b.Steps[0].Step}); got[0].Error != "" {
		s.Error("a refused batch of 10,000 steps changed one")
	}
}

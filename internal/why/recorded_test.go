package why_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/step"
)

// home is a store with runs of a pipeline: load, and fit for each of its rows.
type home struct {
	*testing.T
	store metadata.Store
}

func newHome(t *testing.T) home {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tenon.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return home{t, store}
}

// made is what a run is made of.
type made struct {
	lr, version, scale, rows string
	state                    metadata.StepState // of the elements
	noCode                   bool
}

func digestOf(text string) artifact.Digest { return artifact.NewDigest(sha256.Sum256([]byte(text))) }

func document(kind string, body []byte) metadata.Document {
	return metadata.Document{Digest: digestOf(string(body)), Kind: kind, Body: body}
}

func (h home) run(m made) metadata.Run {
	h.Helper()
	out := []graph.Output{{Name: "output", Type: "[]float64", Codec: "cbor/1"}}
	g := &graph.Graph{Version: graph.Version, Pipeline: "fits", Nodes: []graph.Node{
		{Name: "load", Outputs: out},
		{
			Name: "fit", Over: &ref.Edge{Node: "load", Output: "output"}, Params: []graph.Param{{Name: "LR", Type: "float64", Value: []byte(m.lr)}}, Outputs: out,
			Inputs: []graph.Input{{Name: "Row", Type: "float64", From: ref.Edge{Item: true}}, {Name: "All", Type: "[]float64", From: ref.Edge{Node: "load", Output: "output"}}},
		},
	}}
	graphJSON, err := g.JSON()
	if err != nil {
		h.Fatal(err)
	}
	mark := "sha256:" + m.scale
	p := plan.Plan{Version: plan.Version, Pipeline: "fits", Build: []string{"go=go1.26"}, Steps: []plan.Step{
		{Name: "load", Mode: "source", Fingerprint: "sha256:load"}, {Name: "fit", Func: "main.Fit", Mode: "source", Fingerprint: mark, Config: step.Config{Version: m.version}},
	}}
	planJSON, err := json.Marshal(p)
	if err != nil {
		h.Fatal(err)
	}
	documents := []metadata.Document{document("graph", graphJSON), document("plan", planJSON)}
	r := metadata.Run{
		ID: uuid.Must(uuid.NewV7()).String(), Pipeline: "fits", State: metadata.RunSucceeded, Epoch: 1, Created: time.Now(), Graph: documents[0].Digest, Plan: documents[1].Digest,
	}
	if !m.noCode {
		sum := sha256.Sum256([]byte(m.scale))
		code := &codedoc.Code{}
		code.Add(mark, []fingerprint.Part{{Name: "example.com/app.Scale", File: "example.com/app/scale.go", Line: 4, Digest: hex.EncodeToString(sum[:])}})
		body, err := code.Encode()
		if err != nil {
			h.Fatal(err)
		}
		documents = append(documents, document(codedoc.Kind, body))
		r.Code = documents[2].Digest
	}
	record := artifact.Record{Digest: digestOf(m.rows), Codec: "cbor/1", Type: "[]float64", Inline: []byte(m.rows), Size: int64(len(m.rows))}
	load := metadata.Step{StepKey: metadata.StepKey{Run: r.ID, Step: "load", Index: -1}, State: metadata.StepSucceeded, Outputs: []metadata.Output{{ID: uuid.Must(uuid.NewV7()).String(), Name: "output", Record: record}}}
	rows := []metadata.Step{load, {StepKey: metadata.StepKey{Run: r.ID, Step: "fit", Index: -1}, State: metadata.StepSucceeded, Elements: 2}}
	for i := range 2 {
		rows = append(rows, metadata.Step{
			StepKey: metadata.StepKey{Run: r.ID, Step: "fit", Index: i}, State: m.state,
			Inputs: []metadata.Input{{Name: "Row", Digest: digestOf("row")}, {Name: "All", Artifact: load.Outputs[0].ID, Digest: record.Digest}},
		})
	}
	if err := h.store.Apply(h.Context(), metadata.Batch{Create: []metadata.Run{r}, Documents: documents, Steps: rows}); err != nil {
		h.Fatal(err)
	}
	return r
}

func (h home) facts(r metadata.Run, index int) why.Facts {
	h.Helper()
	read, err := why.Read(h.Context(), h.store, r)
	if err != nil {
		h.Fatal(err)
	}
	row, err := why.Row(h.Context(), h.store, metadata.StepKey{Run: r.ID, Step: "fit", Index: index})
	if err != nil {
		h.Fatal(err)
	}
	f, err := read.Facts(h.Context(), row)
	if err != nil {
		h.Fatal(err)
	}
	return f
}

func base() made {
	return made{lr: "0.1", scale: "a", rows: "rows", state: metadata.StepSucceeded}
}

// What is recorded of an element: its code, and the steps that its inputs come from.
func TestFactsOfAnElement(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	r := h.run(base())
	f := h.facts(r, 1)
	load := &metadata.StepKey{Run: r.ID, Step: "load", Index: -1}
	if f.Index != 1 || len(f.Code.Parts) != 1 || f.Code.Func != "main.Fit" || len(f.Inputs) != 2 || len(f.Outputs) != 1 || string(f.Params[0].Value) != "0.1" {
		t.Fatalf("%+v", f)
	}
	for i, in := range f.Inputs {
		if diff := cmp.Diff(load, in.Step); diff != "" || in.Digest == "" {
			t.Errorf("input %d: %+v %s", i, in, diff)
		}
	}
	if f.Inputs[0].Identity != "" || f.Inputs[1].Identity != "cbor/1 "+string(digestOf("rows")) {
		t.Errorf("%+v", f.Inputs)
	}
}

// Of the runs before, the one that differs least is found, and of several that do the newest.
func TestNearest(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	two := base()
	two.lr, two.version = "0.3", "x"
	one := base()
	one.lr = "0.2"
	failed := base()
	failed.state = metadata.StepFailed
	h.run(two)
	h.run(one)
	near := h.run(one)
	h.run(two)
	h.run(failed)
	this := h.run(base())
	h.run(base()) // is later
	of := h.facts(this, 1)
	old, diffs, found, err := why.Nearest(t.Context(), h.store, "fits", of, 20)
	if err != nil || !found || old.Run != near.ID || old.Index != 1 || len(diffs) != 1 || diffs[0].String() != "parameter LR 0.2 → 0.1" {
		t.Errorf("run %s, want %s: %v, %v, %v", old.Run, near.ID, found, diffs, err)
	}
	if old, _, found, err = why.Nearest(t.Context(), h.store, "fits", of, 2); err != nil || !found || string(old.Params[0].Value) != "0.3" {
		t.Errorf("of two runs: %+v, %v, %v", old, found, err)
	}
	for what, n := range map[string]int{"fits": 1, "others": 20} {
		if _, _, found, err = why.Nearest(t.Context(), h.store, what, of, n); err != nil || found {
			t.Errorf("the last %d of %s: %v, %v", n, what, found, err)
		}
	}
	of.Index = 7
	if _, _, found, err = why.Nearest(t.Context(), h.store, "fits", of, 20); err != nil || found {
		t.Errorf("an element that no run has: %v, %v", found, err)
	}
}

// A plan that is not run yet is compared with all runs; what its steps will read is not known.
func TestPlanned(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run(base())
	changed := base()
	changed.scale = "b"
	read, err := why.Read(t.Context(), h.store, h.run(changed))
	if err != nil {
		t.Fatal(err)
	}
	changed.scale = "c"
	latest, err := why.Read(t.Context(), h.store, h.run(changed))
	if err != nil {
		t.Fatal(err)
	}
	place := slices.IndexFunc(read.Graph.Nodes, func(n graph.Node) bool { return n.Name == "fit" })
	f := why.Planned(read.Plan, read.Graph, read.Code, place, 0, []metadata.Input{{Name: "Row", Digest: digestOf("row")}})
	old := h.facts(latest.Run, 0)
	var got []string
	for _, d := range why.Compare(old, f) {
		got = append(got, d.String())
	}
	if diff := cmp.Diff([]string{"scale.go:4 Scale changed", "input All is not known before step load has run"}, shortened(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	near, diffs, found, err := why.Nearest(t.Context(), h.store, "fits", f, 20)
	if err != nil || !found || len(diffs) != 1 || !diffs[0].Unknown || near.Code.Fingerprint != f.Code.Fingerprint {
		t.Errorf("%v, %v, %v", found, diffs, err)
	}
}

// shortened leaves out the path of the module, which a program without go.mod among its parts does not tell.
func shortened(lines []string) []string {
	for i := range lines {
		lines[i] = strings.ReplaceAll(strings.ReplaceAll(lines[i], "example.com/app/", ""), "app.Scale", "Scale")
	}
	return lines
}

// Code that is not recorded is not known; what is damaged is told.
func TestCodeNotKnown(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	none := base()
	none.noCode = true
	r := h.run(none)
	f := h.facts(r, 0)
	other := base()
	other.scale = "b"
	if f.Code.Parts != nil {
		t.Errorf("%+v", f.Code)
	}
	if diffs := why.Compare(f, h.facts(h.run(other), 0)); len(diffs) != 1 || diffs[0].String() != "the code changed (which declaration is not recorded)" {
		t.Errorf("%v", diffs)
	}
	r.Code = digestOf("gone")
	if code, err := why.ReadCode(t.Context(), h.store, r); code != nil || err != nil {
		t.Errorf("%v, %v", code, err)
	}
	damaged := document(codedoc.Kind, []byte("damaged"))
	if err := h.store.Apply(t.Context(), metadata.Batch{Documents: []metadata.Document{damaged}}); err != nil {
		t.Fatal(err)
	}
	r.Code = damaged.Digest
	if _, err := why.Read(t.Context(), h.store, r); !errors.Is(err, component.ErrCorrupt) || !strings.Contains(err.Error(), r.ID) {
		t.Errorf("%v", err)
	}
	r.Plan = digestOf("no plan")
	if _, err := why.Read(t.Context(), h.store, r); !errors.Is(err, component.ErrNotFound) || !strings.Contains(err.Error(), "read the plan of run "+r.ID) {
		t.Errorf("%v", err)
	}
}

func TestStepThatThereIsNot(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	r, err := why.Read(t.Context(), h.store, h.run(base()))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Step("absent"); !errors.Is(err, component.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := r.Facts(t.Context(), metadata.Step{StepKey: metadata.StepKey{Run: r.ID, Step: "absent"}}); !errors.Is(err, component.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := why.Row(t.Context(), h.store, metadata.StepKey{Run: r.ID, Step: "fit", Index: 9}); !errors.Is(err, component.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/jsonfloat"
	"github.com/tenon-ml/tenon/metadata"
)

// runView is a run as -o json prints it: the record, its steps and its metrics. The field names are stable.
type runView struct {
	metadata.Run
	Seconds  float64       `json:"duration_seconds"`
	Steps    []stepView    `json:"steps"`
	Attempts []attemptView `json:"attempts"`
	Metrics  []metricView  `json:"metrics"`

	graph *graph.Graph
}

type stepView struct {
	metadata.Step
	Seconds float64 `json:"duration_seconds"`
	// Question that the step asks a person.
	Question string `json:"question,omitempty"`
	// Cost of the step's attempts, those of its elements included.
	Cost metadata.Cost `json:"cost,omitzero"`
}

// attemptView is an attempt without its log.
type attemptView struct {
	metadata.Attempt
	Logs    int     `json:"logs,omitempty"`    // lines
	Printed int     `json:"printed,omitempty"` // lines
	Seconds float64 `json:"duration_seconds"`
}

// metricView sums up the points of one metric of one step or element.
type metricView struct {
	Step   string          `json:"step"`
	Index  int             `json:"index"`
	Name   string          `json:"name"`
	Last   jsonfloat.Float `json:"last"`
	Min    jsonfloat.Float `json:"min"` // NaN left out
	Max    jsonfloat.Float `json:"max"`
	Points int             `json:"points"`

	elements int // whose points it sums up; 0 for a step that is not mapped
}

// readRun reads what belongs to a run. The elements of mapped steps are left out unless asked for, and so may be attempts that say nothing of what
// steps cost.
func readRun(ctx context.Context, store metadata.Store, run metadata.Run, elements, attempts bool) (runView, error) {
	v := runView{Run: run, Steps: []stepView{}, Attempts: []attemptView{}, Metrics: []metricView{}}
	v.Outputs = maps.Clone(run.Outputs)
	for name, rec := range v.Outputs {
		v.Outputs[name] = forShow(rec)
	}
	if !run.Started.IsZero() && !run.Finished.IsZero() {
		v.Seconds = run.Finished.Sub(run.Started).Seconds()
	}
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run.ID, NoElements: !elements}) {
		if err != nil {
			return v, err
		}
		view := stepView{Step: s}
		if !s.Started.IsZero() && !s.Finished.IsZero() {
			view.Seconds = s.Finished.Sub(s.Started).Seconds()
		}
		view.Outputs = slices.Clone(s.Outputs)
		for i := range view.Outputs {
			view.Outputs[i].Record = forShow(view.Outputs[i].Record)
		}
		v.Steps = append(v.Steps, view)
	}
	g, err := graphOf(ctx, store, run)
	if err != nil {
		return v, err
	}
	v.graph = g
	inOrder(g, v.Steps)
	if attempts || run.Cost.CPU > 0 || run.Cost.PeakMemory > 0 || !run.State.Ended() {
		if err := v.readAttempts(ctx, store, elements); err != nil {
			return v, err
		}
	}
	for m, err := range metadata.All(ctx, store.Metrics, metadata.MetricQuery{Run: run.ID}) {
		if err != nil {
			return v, err
		}
		v.addMetric(m)
	}
	return v, nil
}

// readAttempts reads the attempts, and adds what they cost to their steps. Those of elements are listed only if asked for.
func (v *runView) readAttempts(ctx context.Context, store metadata.Store, elements bool) error {
	place := make(map[metadata.StepKey]int, len(v.Steps))
	for i, s := range v.Steps {
		place[s.StepKey] = i
	}
	for a, err := range metadata.All(ctx, store.Attempts, metadata.AttemptQuery{Run: v.ID}) {
		if err != nil {
			return err
		}
		whole := a.StepKey
		whole.Index = -1
		for _, key := range slices.Compact([]metadata.StepKey{a.StepKey, whole}) {
			if i, ok := place[key]; ok {
				v.Steps[i].Cost = v.Steps[i].Cost.Add(a.Cost)
			}
		}
		if a.Index >= 0 && !elements {
			continue
		}
		view := attemptView{Attempt: a, Logs: linesOf(a.Logs), Printed: linesOf(a.Printed)}
		if !a.Started.IsZero() && !a.Finished.IsZero() {
			view.Seconds = a.Finished.Sub(a.Started).Seconds()
		}
		v.Attempts = append(v.Attempts, view)
	}
	return nil
}

func linesOf(chunks []metadata.LogChunk) int {
	n := 0
	for _, c := range chunks {
		n += c.Lines
	}
	return n
}

// graphOf reads the graph of a run.
func graphOf(ctx context.Context, store metadata.Store, run metadata.Run) (*graph.Graph, error) {
	doc, err := store.Document(ctx, run.Graph)
	if err != nil {
		return nil, fmt.Errorf("read the graph of run %s: %w", run.ID, err)
	}
	g, err := graph.Parse(doc.Body)
	if err != nil {
		return nil, fmt.Errorf("read the graph of run %s: %w", run.ID, err)
	}
	return g, nil
}

// inOrder sorts steps as the pipeline names them.
func inOrder(g *graph.Graph, steps []stepView) {
	rank := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		rank[g.Nodes[i].Name] = i
	}
	for i := range steps {
		if k, ok := rank[steps[i].StepKey.Step]; ok && g.Nodes[k].Wait != nil {
			steps[i].Question = g.Nodes[k].Wait.Question
		}
	}
	slices.SortStableFunc(steps, func(a, b stepView) int {
		return cmp.Or(cmp.Compare(rank[a.StepKey.Step], rank[b.StepKey.Step]), cmp.Compare(a.Index, b.Index))
	})
}

// withPending returns the steps of a run with those among them that it has not come to, of which nothing is recorded.
func (v *runView) withPending() []stepView {
	if v.State.Ended() {
		return v.Steps
	}
	recorded := make(map[string]bool, len(v.Steps))
	for _, s := range v.Steps {
		recorded[s.StepKey.Step] = true
	}
	steps := slices.Clone(v.Steps)
	for i := range v.graph.Nodes {
		if name := v.graph.Nodes[i].Name; !recorded[name] {
			steps = append(steps, stepView{Step: metadata.Step{StepKey: metadata.StepKey{Run: v.ID, Step: name, Index: -1}, State: metadata.StepPending}})
		}
	}
	inOrder(v.graph, steps)
	return steps
}

// gathered sums up the metrics of the elements of each mapped step.
func gathered(metrics []metricView) []metricView {
	type name struct{ step, metric string }
	var sums []metricView
	at := map[name]int{}
	for _, m := range metrics {
		if m.Index < 0 {
			sums = append(sums, m)
			continue
		}
		key := name{m.Step, m.Name}
		i, ok := at[key]
		if !ok {
			i = len(sums)
			at[key] = i
			sums = append(sums, metricView{Step: m.Step, Index: -1, Name: m.Name, Min: m.Min, Max: m.Max})
		}
		sum := &sums[i]
		sum.Last = m.Last
		sum.widen(m.Min, m.Max)
		sum.Points += m.Points
		sum.elements++
	}
	return sums
}

// addMetric takes in one point. Points of one metric may come mixed with those of others of the same step.
func (v *runView) addMetric(m metadata.Metric) {
	i := len(v.Metrics) - 1
	for ; i >= 0; i-- {
		have := &v.Metrics[i]
		if have.Step != m.Step || have.Index != m.Index {
			i = -1
			break
		}
		if have.Name == m.Name {
			break
		}
	}
	value := jsonfloat.Float(m.Value)
	if i < 0 {
		v.Metrics = append(v.Metrics, metricView{Step: m.Step, Index: m.Index, Name: m.Name, Last: value, Min: value, Max: value, Points: 1})
		return
	}
	have := &v.Metrics[i]
	have.Last = value
	have.Points++
	have.widen(value, value)
}

// widen takes in other extremes.
func (m *metricView) widen(least, most jsonfloat.Float) {
	if f := float64(m.Min); float64(least) < f || math.IsNaN(f) {
		m.Min = least
	}
	if f := float64(m.Max); float64(most) > f || math.IsNaN(f) {
		m.Max = most
	}
}

// forShow leaves out of a record what "artifact get" is for.
func forShow(rec artifact.Record) artifact.Record {
	rec.Inline = nil
	if rec.Elements != nil {
		rec.Elements = slices.Clone(rec.Elements)
		for i := range rec.Elements {
			rec.Elements[i] = forShow(rec.Elements[i])
		}
	}
	return rec
}

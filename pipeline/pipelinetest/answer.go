package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/part"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

// Answer is what [Run] and [Try] answer to a step that waits; see [Approve] and [Reject].
type Answer struct{ signal metadata.Signal }

// Part makes an Answer acceptable to [Run] and [Try].
func (Answer) Part(part.Seal) {}

// Approve lets a step that pipeline.Wait wired go on. By and note are what its Approval holds.
func Approve(step, by, note string) Answer {
	return Answer{metadata.Signal{Kind: metadata.SignalApprove, Step: step, By: by, Note: note}}
}

// Reject lets a step that pipeline.Wait wired fail.
func Reject(step, by, note string) Answer {
	return Answer{metadata.Signal{Kind: metadata.SignalReject, Step: step, By: by, Note: note}}
}

// answers are those of one run.
type answers []metadata.Signal

// split takes the answers out of parts.
func split(parts []tenon.Part) (a answers, rest []tenon.Part) {
	for _, p := range parts {
		if answer, ok := p.(Answer); ok {
			a = append(a, answer.signal)
			continue
		}
		rest = append(rest, p)
	}
	return a, rest
}

func (a answers) to(step string) bool {
	return slices.ContainsFunc(a, func(s metadata.Signal) bool { return s.Step == step })
}

// check fails the test for an answer that nobody asks for, or that could be one of two.
func (a answers) check(tb testing.TB, g *graph.Graph) {
	tb.Helper()
	for i, s := range a {
		if a[:i].to(s.Step) {
			tb.Fatalf("step %s is answered twice: give one answer", s.Step)
		}
		if !slices.ContainsFunc(g.Nodes, func(n graph.Node) bool { return n.Name == s.Step && n.Wait != nil }) {
			tb.Fatalf("pipeline %s has no step %q that waits: name one that pipeline.Wait wired", g.Pipeline, s.Step)
		}
	}
}

// send gives a run its answers, before it asks or after.
func (a answers) send(ctx context.Context, store metadata.Store, run string, at time.Time) error {
	if len(a) == 0 {
		return nil
	}
	var b metadata.Batch
	for _, s := range a {
		s.ID, s.Run, s.Created = uuid.Must(uuid.NewV7()).String(), run, at
		b.Signals = append(b.Signals, s)
	}
	err := store.Apply(ctx, b)
	if errors.Is(err, component.ErrFailedPrecondition) {
		return nil // it ended without asking
	}
	return err
}

// unanswered returns an observer that ends a run which asks what nobody answers, since it would wait for ever.
func (a answers) unanswered(end context.CancelCauseFunc) func(pipeline.Event) {
	return func(e pipeline.Event) {
		if e.Kind == pipeline.EventStep && e.StepState == metadata.StepWaiting && !a.to(e.Step) {
			end(fmt.Errorf("step %s waits for an answer: give one with pipelinetest.Approve or pipelinetest.Reject", e.Step))
		}
	}
}

package tenon

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/metadata"
)

// Remark says who asks for something and why. It is recorded, for people. The zero value says neither.
type Remark struct {
	By   string
	Note string
}

// Cancel asks a run to stop, whichever process drives it, and returns when that is recorded: the driver hears of it within a second, and running
// steps are given time to end. A run whose driver is gone has ended when Cancel returns. It can be resumed; [Client.Recover] leaves it. The error's
// code is NotFound for a run that does not exist, and FailedPrecondition for one that has ended.
//
// The Cancel method of a run that this process started does the same, without a remark.
func (c *Client) Cancel(ctx context.Context, run string, r Remark) error {
	return c.signal(ctx, metadata.Signal{Run: run, Kind: metadata.SignalCancel, By: r.By, Note: r.Note})
}

// Approve lets a step go on that waits for a person: one that pipeline.Wait wired, by its full name. It returns when that is recorded, and
// holds whenever the question comes: before, if the step does not wait yet, and when the run is resumed, if nobody drives it. Of several answers
// that come before the question the last counts. The error's code is NotFound for a run that does not exist, Invalid for a step that asks nobody,
// and FailedPrecondition if none of the run does, or if it has succeeded.
func (c *Client) Approve(ctx context.Context, run, step string, r Remark) error {
	return c.signal(ctx, metadata.Signal{Run: run, Kind: metadata.SignalApprove, Step: step, By: r.By, Note: r.Note})
}

// Reject lets a step fail that waits for a person. All else is as with [Client.Approve].
func (c *Client) Reject(ctx context.Context, run, step string, r Remark) error {
	return c.signal(ctx, metadata.Signal{Run: run, Kind: metadata.SignalReject, Step: step, By: r.By, Note: r.Note})
}

// signal sends a signal to whoever drives a run. ID and Created are filled in.
func (c *Client) signal(ctx context.Context, s metadata.Signal) error {
	run, err := c.meta.Run(ctx, s.Run)
	if err != nil {
		return err
	}
	if s.Kind != metadata.SignalCancel {
		if err := c.asks(ctx, run, s.Step); err != nil {
			return err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	s.ID, s.Created = id.String(), sent(run)
	if err := c.meta.Apply(ctx, metadata.Batch{Signals: []metadata.Signal{s}}); err != nil {
		return err
	}
	if s.Kind == metadata.SignalCancel && !c.alive(run) {
		return c.bury(ctx, run, killed)
	}
	return nil
}

// sent returns the time of a signal that is sent now: later than what is recorded of the run, also if the clock was set back since, so that nobody
// takes the signal for one that was meant for an earlier driver.
func sent(r metadata.Run) time.Time {
	now := time.Now()
	for _, t := range []time.Time{r.Driver.Since, r.Finished} {
		if !now.After(t) {
			now = t.Add(1)
		}
	}
	return now
}

// asks checks that a step of a run asks a person, if perhaps not yet.
func (c *Client) asks(ctx context.Context, run metadata.Run, step string) error {
	g, err := c.graph(ctx, run)
	if err != nil {
		return err
	}
	var known []string
	for _, n := range g.Nodes {
		if n.Wait == nil {
			continue
		}
		if n.Name == step {
			return nil
		}
		known = append(known, n.Name)
	}
	if len(known) == 0 {
		return component.Errorf(component.FailedPrecondition, "no step of run %s asks a person", run.ID)
	}
	return component.Errorf(component.Invalid, "run %s: step %.80q asks nobody: %s", run.ID, step, strictyaml.Suggest(step, known))
}

// graph reads the graph of a run.
func (c *Client) graph(ctx context.Context, run metadata.Run) (*graph.Graph, error) {
	doc, err := c.meta.Document(ctx, run.Graph)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "run %s: read its graph: %w", run.ID, err)
	}
	g, err := graph.Parse(doc.Body)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "run %s: read its graph: %w", run.ID, err)
	}
	return g, nil
}

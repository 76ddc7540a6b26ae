package tenon

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/origin"
	"github.com/tenon-ml/tenon/internal/scratch"
	"github.com/tenon-ml/tenon/metadata"
)

// lease is how long a driver that no lock shows to be alive counts as such after it was last heard of.
const lease = time.Minute

const (
	// leavePatience bounds the time for which the end of a run that cannot be recorded is tried to be.
	leavePatience = 10 * time.Second
	// leaveAgain is how often it is tried after that, as long as the client lives: somebody may free space on the disk.
	leaveAgain = time.Second
)

// killed is how a run failed whose driver is gone.
const killed = "its program ended before it did: it was killed, it crashed, or a step called os.Exit"

// driver describes this process. With a metadata store of its own a client's lock cannot be found by others, who may have another home: it
// has a lease instead.
func (c *Client) driver(temps *scratch.Dir) metadata.Driver {
	host, _ := os.Hostname() // for people; a run on a nameless host is still a run
	d := metadata.Driver{Host: host, PID: os.Getpid(), Since: time.Now(), Program: metadata.Program{Main: c.main}}
	d.Program.Path, _ = os.Executable() // for people, as what follows
	d.Program.Dir, _ = os.Getwd()
	if info, ok := debug.ReadBuildInfo(); ok {
		d.Program.Package = info.Path
		built := origin.Of(info, d.Program.Path, d.Program.Dir)
		d.Program.Revision, d.Program.Modified = built.ID, built.Modified
	}
	if c.config.Metadata == nil {
		d.Session = temps.Name()
	}
	return d
}

// reconcile records the end of runs whose driver is gone, since it was killed: nothing stays running. What cannot be recorded now is left
// to the next client.
func (c *Client) reconcile(ctx context.Context) {
	going := metadata.RunQuery{States: []metadata.RunState{metadata.RunPending, metadata.RunRunning, metadata.RunCancelling}}
	for r, err := range metadata.All(ctx, c.meta.Runs, going) {
		if err != nil {
			c.logger.Warn("runs whose program is gone cannot be looked for", "err", err)
			return
		}
		if c.alive(r) {
			continue
		}
		if err := c.bury(ctx, r, killed); err != nil {
			c.logger.Warn("the end of a run whose program is gone cannot be recorded", "run", r.ID, "err", err)
		}
	}
}

// alive reports whether the driver of a run lives, or cannot be told to be gone. A clock that was set back lets it live longer; one that was set forward
// may end it early, and then the greater epoch keeps it from recording anything.
func (c *Client) alive(r metadata.Run) bool {
	c.mu.Lock()
	epoch, left := c.left[r.ID]
	c.mu.Unlock()
	if left && epoch == r.Epoch {
		return false
	}
	d := r.Driver
	if d.Session != "" {
		return c.config.Metadata != nil || scratch.InUse(tmp(c.config.Home), d.Session)
	}
	return d.Lease.IsZero() || time.Now().Before(d.Lease)
}

// leave ends a run that this process drove and can no longer record: otherwise it would seem to go on as long as the process lives, and nobody
// could resume it.
func (c *Client) leave(r metadata.Run, why error) {
	err := c.recordLeft(r, why)
	if err == nil {
		return
	}
	c.logger.Warn("the end of a run that cannot be recorded is not recorded either", "run", r.ID, "err", err)
	c.mu.Lock()
	c.left[r.ID] = r.Epoch
	c.mu.Unlock()
	c.runs.Go(func() {
		tick := time.NewTicker(leaveAgain)
		defer tick.Stop()
		for c.recordLeft(r, why) != nil {
			select {
			case <-c.life.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// recordLeft records the end of a run that was left, unless somebody has taken it over.
func (c *Client) recordLeft(r metadata.Run, why error) error {
	ctx, cancel := context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	now, err := c.meta.Run(ctx, r.ID)
	if errors.Is(err, component.ErrNotFound) {
		return nil // it never began
	}
	if err != nil || now.State.Ended() || now.Epoch != r.Epoch {
		return err
	}
	return c.bury(ctx, now, why.Error())
}

// bury ends a run whose driver is gone: what was running in it has failed, and what was waiting is cancelled. A greater epoch fences it; that
// the run has ended meanwhile, or was taken over, is an error of the store.
func (c *Client) bury(ctx context.Context, r metadata.Run, how string) error {
	cancelling, err := c.cancelled(ctx, r)
	if err != nil {
		return err
	}
	r.Epoch++
	r.State, r.Finished, r.Error, r.Lost = metadata.RunFailed, time.Now(), how, true
	if cancelling {
		r.State, r.Lost = metadata.RunCancelled, false // what was asked for has happened
	}
	counts, err := c.meta.CountSteps(ctx, r.ID)
	if err != nil {
		return err
	}
	b := metadata.Batch{Run: r.ID, Epoch: r.Epoch}
	if b.Steps, err = c.unended(ctx, r.ID); err != nil {
		return err
	}
	ends := make(map[metadata.StepKey]metadata.StepState, len(b.Steps))
	for i := range b.Steps {
		s := &b.Steps[i]
		ended := metadata.StepCancelled
		if !cancelling && (s.State == metadata.StepRunning || s.State == metadata.StepRetrying) {
			ended = metadata.StepFailed
		}
		ends[s.StepKey] = ended
		if s.Elements == 0 {
			if counts[s.State]--; counts[s.State] == 0 {
				delete(counts, s.State)
			}
			counts[ended]++
		}
		s.State, s.Finished, s.Error = ended, r.Finished, how
	}
	// One pass, since a query for one step reads all attempts of the run too.
	for a, err := range metadata.All(ctx, c.meta.Attempts, metadata.AttemptQuery{Run: r.ID}) {
		if err != nil {
			return err
		}
		if ended, ok := ends[a.StepKey]; ok && !a.State.Ended() {
			a.State, a.Finished, a.Error, a.Reason = ended, r.Finished, how, "lost"
			b.Attempts = append(b.Attempts, a)
		}
	}
	r.Counts = counts
	b.Update = []metadata.Run{r}
	return c.meta.Apply(ctx, b)
}

// cancelled reports whether somebody cancelled a run whose driver is gone, also if the driver did not come to hear of it. That the driver itself
// was leaving the run is no such cancel, and what was meant for an earlier driver is done.
func (c *Client) cancelled(ctx context.Context, r metadata.Run) (bool, error) {
	if r.State == metadata.RunCancelling && !r.Lost {
		return true, nil
	}
	for sig, err := range metadata.All(ctx, c.meta.Signals, metadata.SignalQuery{Run: r.ID}) {
		if err != nil {
			return false, err
		}
		if sig.Kind == metadata.SignalCancel && !sig.Created.Before(r.Driver.Since) {
			return true, nil
		}
	}
	return false, nil
}

// unended returns the rows of a run's steps that have not ended. Only what ran for a while has one.
func (c *Client) unended(ctx context.Context, run string) ([]metadata.Step, error) {
	var states []metadata.StepState
	for _, s := range metadata.StepStates() {
		if !s.Ended() {
			states = append(states, s)
		}
	}
	var steps []metadata.Step
	for s, err := range metadata.All(ctx, c.meta.Steps, metadata.StepQuery{Run: run, States: states}) {
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

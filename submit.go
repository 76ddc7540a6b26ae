package tenon

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/hooks"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/source"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// Submit implements [pipeline.Client]: it decides everything about the run once, in its plan, and drives it in this process. It
// returns when the run is recorded. Most programs call the Run method of a pipeline instead.
func (c *Client) Submit(ctx context.Context, s pipeline.Submission) (pipeline.Handle, error) {
	if err := s.Config.Validate(); err != nil {
		return nil, err
	}
	if !c.begin() {
		return nil, component.Errorf(component.FailedPrecondition, "run pipeline %s: the client is closed", s.Pipeline.Name())
	}
	defer c.runs.Done()
	r, err := c.start(ctx, s)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// begin counts a submission, so that Close waits for it. It reports false after Close.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.runs.Add(1)
	return true
}

func (c *Client) start(ctx context.Context, s pipeline.Submission) (*run, error) {
	st, err := c.Stack(ctx, s.Config.Stack)
	if err != nil {
		return nil, err
	}
	temps, err := c.scratchDir()
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "run pipeline %s: %w", s.Pipeline.Name(), err)
	}
	pinner := &source.Pinner{Store: st.Artifacts(), MemoDir: c.memoDir()}
	job, err := c.job(ctx, s, st, pinner, c.driver(temps))
	if err != nil {
		return nil, err
	}
	told, err := c.hooks(ctx, s, job.Run)
	if err != nil {
		return nil, err
	}
	r := &run{
		id: job.Run.ID, program: s.Program, artifacts: st.Artifacts(), tempDir: c.resultsDir,
		observer: s.Config.Observer, hooks: told, leave: c.leave, recorded: make(chan struct{}), ended: make(chan struct{}),
	}
	runCtx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) }) // Close cancels the run
	r.cancel = func() { cancel(nil) }
	config := engine.Config{
		Artifacts: st.Artifacts(), Metadata: told.Listen(c.meta), Orchestrator: st.Orchestrator(), Logger: c.logger,
		Worker: worker.Options{TempDir: temps.Path(), Host: job.Run.Driver.Host, Sources: func(tempDir func() (string, error)) ref.Opener {
			return &source.Opener{Pinner: pinner, TempDir: tempDir}
		}, Resources: c.resources},
		Workers: func(ctx context.Context, h worker.Host) (orchestrator.Program, func() error, error) {
			return c.serveWorkers(ctx, h, job, st, temps)
		},
		Observer: r.observe,
	}
	if job.Run.Driver.Session == "" {
		config.Lease = lease
	}
	c.runs.Add(1)
	go func() {
		defer c.runs.Done()
		defer unhook()
		defer r.cancel()
		r.drive(runCtx, config, job)
	}()
	select {
	case <-r.recorded:
		return r, nil
	case <-r.ended:
		if r.err != nil {
			return nil, r.err
		}
		return r, nil
	}
}

// hooks returns what calls the hooks of a run; nil if there are none.
func (c *Client) hooks(ctx context.Context, s pipeline.Submission, run metadata.Run) (*hooks.Dispatcher, error) {
	if s.Config.NoHooks {
		return nil, nil
	}
	d, err := hooks.New(scope.WithResources(ctx, c.resources), run, s.Program, c.logger)
	if err != nil {
		return nil, component.Errorf(component.CodeOf(err), "run pipeline %s: %w", s.Pipeline.Name(), err)
	}
	return d, nil
}

// job makes what the engine executes: a new run, or one that is resumed.
func (c *Client) job(ctx context.Context, s pipeline.Submission, st stack.Stack, pinner plan.Pinner, driver metadata.Driver) (engine.Job, error) {
	if s.Resume != "" {
		job, err := c.resumeJob(ctx, s, driver)
		if err != nil {
			return job, component.Errorf(component.CodeOf(err), "resume run %s: %w", s.Resume, err)
		}
		return job, nil
	}
	p, err := c.plan(ctx, s, st, pinner)
	if err != nil {
		return engine.Job{}, component.Errorf(component.CodeOf(err), "plan pipeline %s: %w", s.Pipeline.Name(), err)
	}
	job, err := newJob(s, p, st.Name(), driver)
	if err == nil {
		err = c.recordCode(ctx, &job)
	}
	if err != nil {
		return job, component.Errorf(component.CodeOf(err), "run pipeline %s: %w", s.Pipeline.Name(), err)
	}
	if s.Replay == nil {
		return job, nil
	}
	job.Run.Replays = s.Replay.Run
	if job.Replay, err = c.replay(ctx, s, p); err != nil {
		return job, component.Errorf(component.CodeOf(err), "replay run %s: %w", s.Replay.Run, err)
	}
	return job, nil
}

func (c *Client) plan(ctx context.Context, s pipeline.Submission, st stack.Stack, pinner plan.Pinner) (*plan.Plan, error) {
	o := s.Config
	return plan.Make(ctx, plan.Request{
		Program: s.Program, Params: reflect.ValueOf(s.Params).Elem().Interface(),
		StackDefaults: st.Orchestrator().Capabilities().StepDefaults, Steps: o.Steps, Catalog: c.meta,
		Options: plan.Options{OnFailure: plan.FailureMode(o.OnFailure), Timeout: o.Timeout, Parallel: o.Parallel, NoCache: o.NoCache, NoHooks: o.NoHooks},
	}, c.prints, pinner)
}

// newJob makes the records with which a run begins.
func newJob(s pipeline.Submission, p *plan.Plan, stackName string, driver metadata.Driver) (engine.Job, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return engine.Job{}, err
	}
	graphJSON, err := s.Program.Graph.JSON()
	if err != nil {
		return engine.Job{}, err
	}
	planned, err := planDocument(p)
	if err != nil {
		return engine.Job{}, err
	}
	params, err := strictyaml.JSON(s.Params) // under the names by which they are set
	if err != nil {
		return engine.Job{}, err
	}
	if err := fits(len(p.Steps), len(params), len(graphJSON), len(planned.Body)); err != nil {
		return engine.Job{}, err
	}
	created := time.Now()
	name := s.Config.Name
	if name == "" {
		name = s.Pipeline.Name() + created.Format("-20060102-150405")
	}
	return engine.Job{
		Program: s.Program, Plan: p,
		Run: metadata.Run{
			ID: id.String(), Name: name, Pipeline: s.Pipeline.Name(), State: metadata.RunPending, Tags: s.Config.Tags, Stack: stackName,
			Graph: p.Graph, Plan: planned.Digest, Params: params, Driver: driver, Created: created,
		},
		Documents: []metadata.Document{
			{Digest: p.Graph, Kind: "graph", Body: graphJSON},
			planned,
		},
	}, nil
}

// recordCode adds what the fingerprints of a job are made of to its records, as far as that is known.
func (c *Client) recordCode(ctx context.Context, job *engine.Job) error {
	job.Run.Code = ""
	code, err := job.Plan.Code(ctx, job.Program, c.prints)
	if err != nil {
		return err
	}
	body, err := code.Encode()
	if err != nil || body == nil {
		return err
	}
	doc := document(codedoc.Kind, body)
	job.Run.Code, job.Documents = doc.Digest, append(job.Documents, doc)
	return nil
}

// planDocument is a plan as it is recorded.
func planDocument(p *plan.Plan) (metadata.Document, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return metadata.Document{}, err
	}
	return document("plan", body), nil
}

func document(kind string, body []byte) metadata.Document {
	return metadata.Document{Digest: artifact.NewDigest(sha256.Sum256(body)), Kind: kind, Body: body}
}

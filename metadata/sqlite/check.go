package sqlite

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	keyLimit  = 1 << 10  // bytes of an ID, a name, a key
	textLimit = 1 << 20  // bytes of an error, a stack, a reason
	bodyLimit = 64 << 20 // bytes of a document, of inline content
)

// checkBatch refuses what no honest writer sends, before it takes the writer's time.
func checkBatch(b metadata.Batch) error {
	c := &checker{}
	if b.ID != "" {
		id, err := uuid.Parse(b.ID)
		c.holds(err == nil && id.Version() == 7, "batch.id %.80q is not a UUIDv7", b.ID)
	}
	for _, d := range b.Documents {
		c.digest("document.digest", d.Digest)
		c.key("document.kind", d.Kind)
		c.size("document.body", len(d.Body), bodyLimit)
	}
	for i := range b.Create {
		c.createdRun(&b.Create[i])
	}
	for i := range b.Update {
		c.run(&b.Update[i])
	}
	for i := range b.Steps {
		c.step(&b.Steps[i])
	}
	for i := range b.Attempts {
		c.attempt(&b.Attempts[i])
	}
	for i := range b.Metrics {
		m := &b.Metrics[i]
		c.stepKey("metric", m.StepKey)
		c.key("metric.attempt", m.Attempt)
		c.key("metric.name", m.Name)
		c.time("metric.time", m.Time)
	}
	for _, v := range b.Versions {
		c.key("version.name", v.Name)
		c.key("version.artifact", v.Artifact)
		c.time("version.created", v.Created)
	}
	return c.err
}

// checker keeps the first thing that is wrong.
type checker struct{ err error }

func (c *checker) createdRun(r *metadata.Run) {
	c.run(r)
	c.label("run.name", r.Name)
	c.key("run.pipeline", r.Pipeline)
	c.label("run.stack", r.Stack)
	if r.Graph != "" {
		c.digest("run.graph", r.Graph)
	}
	if r.Plan != "" {
		c.digest("run.plan", r.Plan)
	}
	c.size("run.params", len(r.Params), bodyLimit)
	c.tags(r.Tags)
}

func (c *checker) run(r *metadata.Run) {
	c.key("run.id", r.ID)
	c.holds(slices.Contains(metadata.RunStates(), r.State), "run.state %.40q is not a state of a run", r.State)
	c.size("run.error", len(r.Error), textLimit)
	for name, record := range r.Outputs {
		c.key("run.outputs", name)
		c.record("run.outputs", &record)
	}
}

func (c *checker) tags(tags map[string]string) {
	for k, v := range tags {
		c.key("run.tags", k)
		c.label("run.tags", v)
	}
}

func (c *checker) stepKey(what string, k metadata.StepKey) {
	c.key(what+".run", k.Run)
	c.key(what+".step", k.Step)
	c.holds(k.Index >= -1, "%s.index is %d, the least is -1", what, k.Index)
}

func (c *checker) step(s *metadata.Step) {
	c.stepKey("step", s.StepKey)
	c.holds(slices.Contains(metadata.StepStates(), s.State), "step.state %.40q is not a state of a step", s.State)
	c.label("step.cache_key", s.CacheKey)
	c.size("step.error", len(s.Error), textLimit)
	c.size("step.skip", len(s.Skip), textLimit)
	c.size("step.uncached", len(s.Uncached), textLimit)
	c.time("step.computed", s.Computed)
	for i := range s.Outputs {
		o := &s.Outputs[i]
		c.key("output.id", o.ID)
		c.key("output.name", o.Name)
		c.record("output", &o.Record)
	}
	for i := range s.Inputs {
		in := &s.Inputs[i]
		c.key("input.name", in.Name)
		c.label("input.artifact", in.Artifact)
		if in.Digest != "" {
			c.digest("input.digest", in.Digest)
		}
	}
}

func (c *checker) record(what string, r *artifact.Record) {
	c.digest(what+".digest", r.Digest)
	c.size(what+".inline", len(r.Inline), bodyLimit)
	c.size(what+".preview", len(r.Preview), textLimit)
	for i := range r.Elements {
		c.record(what+".elements", &r.Elements[i])
	}
}

func (c *checker) attempt(a *metadata.Attempt) {
	c.stepKey("attempt", a.StepKey)
	c.key("attempt.id", a.ID)
	c.size("attempt.error", len(a.Error), textLimit)
	c.size("attempt.stack", len(a.Stack), textLimit)
	c.size("attempt.reason", len(a.Reason), textLimit)
	for _, l := range a.Logs {
		c.size("attempt.logs", len(l.Inline), bodyLimit)
		if l.Digest != "" {
			c.digest("attempt.logs", l.Digest)
		}
	}
}

func (c *checker) holds(ok bool, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = component.Errorf(component.Invalid, "metadata: "+format, args...)
	}
}

// key is what rows are found by.
func (c *checker) key(field, s string) {
	c.holds(s != "", "%s is empty", field)
	c.label(field, s)
}

// label is a key that may be empty.
func (c *checker) label(field, s string) {
	c.size(field, len(s), keyLimit)
	c.holds(utf8.ValidString(s) && strings.IndexByte(s, 0) < 0, "%s %.80q is not valid UTF-8 without NUL", field, s)
}

func (c *checker) size(field string, n, limit int) {
	c.holds(n <= limit, "%s has %d bytes, the limit is %d", field, n, limit)
}

func (c *checker) digest(field string, d artifact.Digest) {
	if err := d.Validate(); err != nil {
		c.holds(false, "%s: %w", field, err)
	}
}

// time refuses what does not fit into 64 bits of nanoseconds.
func (c *checker) time(field string, t time.Time) {
	in := t.IsZero() || !t.Before(time.Unix(0, math.MinInt64)) && !t.After(time.Unix(0, math.MaxInt64))
	c.holds(in, "%s %v is not between the years 1678 and 2262", field, t)
}

func checkKey(field, s string) error {
	c := &checker{}
	c.key(field, s)
	return c.err
}

// checkPart checks what selects within a run: the names may be empty.
func checkPart(run string, names ...string) error {
	c := &checker{}
	c.key("run", run)
	for _, n := range names {
		c.label("query", n)
	}
	return c.err
}

func checkRunQuery(q metadata.RunQuery) error {
	c := &checker{}
	c.label("query.pipeline", q.Pipeline)
	c.label("query.name", q.Name)
	c.label("query.id_prefix", q.IDPrefix)
	c.tags(q.Tags)
	c.holds(len(q.Tags) <= tagLimit, "%d tags in one query, the limit is %d", len(q.Tags), tagLimit)
	for _, s := range q.States {
		c.holds(slices.Contains(metadata.RunStates(), s), "query.states: %.40q is not a state of a run", s)
	}
	return c.err
}

// tagLimit bounds the tags of one query, each of which is a subquery.
const tagLimit = 100

func checkStepQuery(q metadata.StepQuery) error {
	if err := checkPart(q.Run, q.Step); err != nil {
		return err
	}
	c := &checker{}
	for _, s := range q.States {
		c.holds(slices.Contains(metadata.StepStates(), s), "query.states: %.40q is not a state of a step", s)
	}
	c.holds(len(q.States) <= len(metadata.StepStates()), "query.states has %d states, and there are only %d", len(q.States), len(metadata.StepStates()))
	return c.err
}

func checkArtifactQuery(q metadata.ArtifactQuery) error {
	c := &checker{}
	for _, s := range []string{q.Run, q.Step, q.Pipeline, q.Name, q.IDPrefix} {
		c.label("query", s)
	}
	return c.err
}

package metadata

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// Limits of what a store takes.
const (
	KeyLimit    = 1 << 10  // bytes of a key: see [Store]
	TextLimit   = 1 << 20  // bytes of an error, a stack trace, a reason, the specification of a stack
	BodyLimit   = 64 << 20 // bytes of a document, of parameters, of inline content
	LookupLimit = 1000     // keys of one lookup, or to forget at once
	PageLimit   = 1000     // items of one page
	DefaultPage = 100      // items of one page if the cursor does not say
	TagLimit    = 100      // tags of one query
)

// Validate refuses a batch that no store takes, whatever it holds. The error names the field; its code is Invalid. Implementations call it
// first.
func (b Batch) Validate() error {
	c := &checker{}
	if b.ID != "" {
		c.uuid("batch.id", b.ID)
	}
	for _, d := range b.Documents {
		c.digest("document.digest", d.Digest)
		c.key("document.kind", d.Kind)
		c.size("document.body", len(d.Body), BodyLimit)
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
	for i := range b.Checkpoints {
		p := &b.Checkpoints[i]
		c.stepKey("checkpoint", p.StepKey)
		c.key("checkpoint.attempt", p.Attempt)
		c.record("checkpoint", &p.Record)
	}
	c.holds(len(b.Holds) == 0 || b.Run != "", "batch.holds are those of batch.run, which is empty")
	for _, d := range b.Holds {
		c.digest("batch.holds", d)
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
	for i := range b.Signals {
		c.signal(&b.Signals[i])
	}
	return c.err
}

// checker keeps the first thing that is wrong.
type checker struct{ err error }

func (c *checker) createdRun(r *Run) {
	c.run(r)
	c.label("run.name", r.Name)
	c.key("run.pipeline", r.Pipeline)
	c.label("run.stack", r.Stack)
	if r.Graph != "" {
		c.digest("run.graph", r.Graph)
	}
	c.size("run.params", len(r.Params), BodyLimit)
	c.label("run.replays", r.Replays)
	c.tags(r.Tags)
}

func (c *checker) run(r *Run) {
	c.key("run.id", r.ID)
	c.holds(slices.Contains(RunStates(), r.State), "run.state %.40q is not a state of a run", r.State)
	if r.Plan != "" {
		c.digest("run.plan", r.Plan)
	}
	if r.Code != "" {
		c.digest("run.code", r.Code)
	}
	c.size("run.error", len(r.Error), TextLimit)
	c.cost("run.cost", r.Cost)
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

func (c *checker) stepKey(what string, k StepKey) {
	c.key(what+".run", k.Run)
	c.key(what+".step", k.Step)
	c.holds(k.Index >= -1, "%s.index is %d, the least is -1", what, k.Index)
}

func (c *checker) step(s *Step) {
	c.stepKey("step", s.StepKey)
	c.holds(slices.Contains(StepStates(), s.State), "step.state %.40q is not a state of a step", s.State)
	c.label("step.cache_key", s.CacheKey)
	c.size("step.error", len(s.Error), TextLimit)
	c.size("step.skip", len(s.Skip), TextLimit)
	c.size("step.uncached", len(s.Uncached), TextLimit)
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
	c.size(what+".inline", len(r.Inline), BodyLimit)
	c.size(what+".preview", len(r.Preview), TextLimit)
	for i := range r.Elements {
		c.record(what+".elements", &r.Elements[i])
	}
}

func (c *checker) attempt(a *Attempt) {
	c.stepKey("attempt", a.StepKey)
	c.key("attempt.id", a.ID)
	c.size("attempt.error", len(a.Error), TextLimit)
	c.size("attempt.stack", len(a.Stack), TextLimit)
	c.size("attempt.reason", len(a.Reason), TextLimit)
	c.cost("attempt.cost", a.Cost)
	for _, l := range slices.Concat(a.Logs, a.Printed) {
		c.size("attempt.logs", len(l.Inline), BodyLimit)
		if l.Digest != "" {
			c.digest("attempt.logs", l.Digest)
		}
	}
}

func (c *checker) cost(field string, cost Cost) {
	c.holds(min(int64(cost.CPU), cost.PeakMemory, cost.Read, cost.Written) >= 0, "%s %+v is negative", field, cost)
}

func (c *checker) signal(s *Signal) {
	c.uuid("signal.id", s.ID)
	c.key("signal.run", s.Run)
	c.holds(slices.Contains(SignalKinds(), s.Kind), "signal.kind %.40q is not a kind of signal", s.Kind)
	if s.Kind == SignalCancel {
		c.holds(s.Step == "", "signal.step %.80q: a cancel is of the whole run", s.Step)
	} else {
		c.key("signal.step", s.Step)
	}
	c.size("signal.by", len(s.By), TextLimit)
	c.size("signal.note", len(s.Note), TextLimit)
}

func (c *checker) uuid(field, s string) {
	id, err := uuid.Parse(s)
	c.holds(err == nil && id.Version() == 7 && id.String() == s, "%s %.80q is not a UUIDv7", field, s)
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
	c.size(field, len(s), KeyLimit)
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

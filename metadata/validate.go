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
	LookupLimit = 1000     // keys of one lookup
	PageLimit   = 1000     // items of one page
	DefaultPage = 100      // items of one page if the cursor does not say
	TagLimit    = 100      // tags of one query
)

// Validate refuses a batch that no store takes, whatever it holds. The error names the field; its code is Invalid. Implementations call it
// first.
func (b Batch) Validate() error {
	c := &checker{}
	if b.ID != "" {
		id, err := uuid.Parse(b.ID)
		c.holds(err == nil && id.Version() == 7, "batch.id %.80q is not a UUIDv7", b.ID)
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

func (c *checker) createdRun(r *Run) {
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
	c.size("run.params", len(r.Params), BodyLimit)
	c.tags(r.Tags)
}

func (c *checker) run(r *Run) {
	c.key("run.id", r.ID)
	c.holds(slices.Contains(RunStates(), r.State), "run.state %.40q is not a state of a run", r.State)
	c.size("run.error", len(r.Error), TextLimit)
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
	for _, l := range a.Logs {
		c.size("attempt.logs", len(l.Inline), BodyLimit)
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

// ValidateKey refuses what is no key, as [Store] defines it. Field is how the error calls it; the error's code is Invalid.
func ValidateKey(field, key string) error {
	c := &checker{}
	c.key(field, key)
	return c.err
}

// Validate refuses a stack that no store takes. The error names the field; its code is Invalid.
func (s Stack) Validate() error {
	c := &checker{}
	c.key("stack.name", s.Name)
	c.size("stack.spec", len(s.Spec), TextLimit)
	return c.err
}

// ValidateLookup refuses cache keys that no store looks up. The error's code is Invalid.
func ValidateLookup(keys []string) error {
	c := &checker{}
	c.holds(len(keys) <= LookupLimit, "%d keys in one lookup, the limit is %d", len(keys), LookupLimit)
	for _, k := range keys {
		c.key("cache key", k)
	}
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q RunQuery) Validate() error {
	c := &checker{}
	c.label("query.pipeline", q.Pipeline)
	c.label("query.name", q.Name)
	c.label("query.id_prefix", q.IDPrefix)
	c.tags(q.Tags)
	c.holds(len(q.Tags) <= TagLimit, "%d tags in one query, the limit is %d", len(q.Tags), TagLimit)
	for _, s := range q.States {
		c.holds(slices.Contains(RunStates(), s), "query.states: %.40q is not a state of a run", s)
	}
	c.cursor(q.Cursor)
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q StepQuery) Validate() error {
	c := &checker{}
	c.key("query.run", q.Run)
	c.label("query.step", q.Step)
	for _, s := range q.States {
		c.holds(slices.Contains(StepStates(), s), "query.states: %.40q is not a state of a step", s)
	}
	c.cursor(q.Cursor)
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q AttemptQuery) Validate() error {
	c := &checker{}
	c.key("query.run", q.Run)
	c.label("query.step", q.Step)
	c.cursor(q.Cursor)
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q MetricQuery) Validate() error {
	c := &checker{}
	c.key("query.run", q.Run)
	c.label("query.step", q.Step)
	c.label("query.name", q.Name)
	c.cursor(q.Cursor)
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q ArtifactQuery) Validate() error {
	c := &checker{}
	c.label("query.run", q.Run)
	c.label("query.step", q.Step)
	c.label("query.pipeline", q.Pipeline)
	c.label("query.name", q.Name)
	c.label("query.id_prefix", q.IDPrefix)
	c.cursor(q.Cursor)
	return c.err
}

// Size returns the number of items that the page may have.
func (c Cursor) Size() int {
	if c.Limit == 0 {
		return DefaultPage
	}
	return c.Limit
}

func (c *checker) cursor(at Cursor) {
	c.holds(at.Limit >= 0 && at.Limit <= PageLimit, "limit %d is not between 1 and %d", at.Limit, PageLimit)
	c.holds(len(at.After) <= 8*KeyLimit, "a cursor of %d bytes is not one that a page returned", len(at.After))
}

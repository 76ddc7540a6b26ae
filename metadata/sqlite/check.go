package sqlite

import (
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const (
	nameLimit = 1 << 10  // bytes of an ID, a name, a key
	textLimit = 1 << 20  // bytes of an error, a stack, a reason
	bodyLimit = 64 << 20 // bytes of a document
)

// checkBatch refuses what no honest writer sends, before it takes the writer's time.
func checkBatch(b metadata.Batch) error {
	c := checker{}
	c.text("batch.id", b.ID, nameLimit)
	for _, d := range b.Documents {
		c.digest("document.digest", string(d.Digest), d.Digest.Validate())
		c.size("document.body", len(d.Body), bodyLimit)
	}
	for _, r := range b.Create {
		c.id("run.id", r.ID)
		c.text("run.name", r.Name, nameLimit)
		c.id("run.pipeline", r.Pipeline)
		c.state("run.state", r.State.CanBecome(r.State) && knownRun(r.State), string(r.State))
		for k, v := range r.Tags {
			c.text("run.tags", k, nameLimit)
			c.text("run.tags", v, nameLimit)
		}
	}
	for _, r := range b.Update {
		c.id("run.id", r.ID)
		c.text("run.error", r.Error, textLimit)
		c.state("run.state", knownRun(r.State), string(r.State))
	}
	for _, s := range b.Steps {
		c.id("step.run", s.Run)
		c.id("step.step", s.Step)
		c.text("step.error", s.Error, textLimit)
		c.text("step.cache_key", s.CacheKey, nameLimit)
		c.state("step.state", knownStep(s.State), string(s.State))
		for _, o := range s.Outputs {
			c.id("output.id", o.ID)
			c.id("output.name", o.Name)
			c.digest("output.digest", string(o.Record.Digest), o.Record.Digest.Validate())
			c.size("output.preview", len(o.Record.Preview), textLimit)
			c.size("output.inline", len(o.Record.Inline), textLimit)
		}
	}
	for _, a := range b.Attempts {
		c.id("attempt.id", a.ID)
		c.id("attempt.run", a.Run)
		c.text("attempt.error", a.Error, textLimit)
		c.text("attempt.stack", a.Stack, textLimit)
	}
	for _, m := range b.Metrics {
		c.id("metric.run", m.Run)
		c.id("metric.attempt", m.Attempt)
		c.id("metric.name", m.Name)
	}
	for _, v := range b.Versions {
		c.id("version.name", v.Name)
		c.id("version.artifact", v.Artifact)
	}
	return c.err
}

type checker struct{ err error }

func (c *checker) fail(format string, args ...any) {
	if c.err == nil {
		c.err = component.Errorf(component.Invalid, "metadata: "+format, args...)
	}
}

func (c *checker) id(field, s string) {
	if s == "" {
		c.fail("%s is empty", field)
	}
	c.text(field, s, nameLimit)
}

func (c *checker) text(field, s string, limit int) { c.size(field, len(s), limit) }

func (c *checker) size(field string, n, limit int) {
	if n > limit {
		c.fail("%s has %d bytes, the limit is %d", field, n, limit)
	}
}

func (c *checker) digest(field, s string, err error) {
	if err != nil {
		c.fail("%s: %w", field, err)
	}
}

func (c *checker) state(field string, known bool, s string) {
	if !known {
		c.fail("%s %.40q is not known", field, s)
	}
}

func knownRun(s metadata.RunState) bool {
	for _, k := range metadata.RunStates() {
		if k == s {
			return true
		}
	}
	return false
}

func knownStep(s metadata.StepState) bool {
	for _, k := range metadata.StepStates() {
		if k == s {
			return true
		}
	}
	return false
}

package metadata

import (
	"slices"
	"time"
)

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

// ValidateCacheKeys refuses cache keys that no store looks up or forgets. The error's code is Invalid.
func ValidateCacheKeys(keys []string) error {
	c := &checker{}
	c.holds(len(keys) <= LookupLimit, "%d cache keys at once, the limit is %d", len(keys), LookupLimit)
	for _, k := range keys {
		c.key("cache key", k)
	}
	return c.err
}

// ValidateForget refuses what no store forgets. The error's code is Invalid.
func ValidateForget(keys []string, before time.Time) error {
	c := &checker{}
	c.time("before", before)
	if c.err != nil {
		return c.err
	}
	return ValidateCacheKeys(keys)
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
	c.time("query.before", q.Before)
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

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q SignalQuery) Validate() error {
	c := &checker{}
	c.key("query.run", q.Run)
	c.cursor(q.Cursor)
	return c.err
}

// Validate refuses a query that no store answers. The error names the field; its code is Invalid.
func (q ResultQuery) Validate() error {
	c := &checker{}
	c.label("query.pipeline", q.Pipeline)
	c.time("query.before", q.Before)
	c.cursor(q.Cursor)
	return c.err
}

// ValidateNames refuses a listing of names that no store makes. The error's code is Invalid.
func ValidateNames(prefix string, at Cursor) error {
	c := &checker{}
	c.label("prefix", prefix)
	c.cursor(at)
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

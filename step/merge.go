package step

import (
	"cmp"
	"slices"
)

// Merge returns c laid over lower: what c says wins, the rest is lower's. Values that mean none stay what they are, so that layers may be
// merged in any grouping; [Config.Resolved] ends the merging. The result shares nothing with c and lower.
func (c Config) Merge(lower Config) Config {
	limits, tolerate := c.Limits, c.Tolerate
	if limits == nil {
		limits = lower.Limits
	}
	if tolerate == (Tolerance{}) {
		tolerate = lower.Tolerate
	}
	return Config{
		Retry: Retry{
			Attempts:   cmp.Or(c.Retry.Attempts, lower.Retry.Attempts),
			Backoff:    cmp.Or(c.Retry.Backoff, lower.Retry.Backoff),
			MaxBackoff: cmp.Or(c.Retry.MaxBackoff, lower.Retry.MaxBackoff),
		},
		Timeout: cmp.Or(c.Timeout, lower.Timeout),
		Resources: Resources{
			CPU:    cmp.Or(c.Resources.CPU, lower.Resources.CPU),
			Memory: cmp.Or(c.Resources.Memory, lower.Resources.Memory),
			GPU:    cmp.Or(c.Resources.GPU, lower.Resources.GPU),
		},
		Cache: Cache{
			Mode: cmp.Or(c.Cache.Mode, lower.Cache.Mode),
			TTL:  cmp.Or(c.Cache.TTL, lower.Cache.TTL),
		},
		Version:     cmp.Or(c.Version, lower.Version),
		Limits:      slices.Clone(limits),
		Tolerate:    tolerate,
		ShareInputs: cmp.Or(c.ShareInputs, lower.ShareInputs),
		Runner:      cmp.Or(c.Runner, lower.Runner),
		External:    cmp.Or(c.External, lower.External),
	}
}

// Resolved returns c after the last layer was merged: values that mean none, which only tell layers apart, become zero.
func (c Config) Resolved() Config {
	c.Timeout, c.Cache.TTL = max(c.Timeout, 0), max(c.Cache.TTL, 0)
	c.Resources = Resources{CPU: max(c.Resources.CPU, 0), Memory: max(c.Resources.Memory, 0), GPU: max(c.Resources.GPU, 0)}
	if c.Version == NoVersion {
		c.Version = ""
	}
	if len(c.Limits) == 0 {
		c.Limits = nil
	}
	if c.Tolerate.Count < 0 {
		c.Tolerate = Tolerance{}
	}
	return c
}

package step

import (
	"math"
	"slices"

	"github.com/tenon-ml/tenon/component"
)

const (
	maxName   = 200 // bytes of a version or the name of a limit
	maxLimits = 100
)

// Validate reports the first value that is out of range. The error begins with the YAML name of the field; its code is Invalid.
func (c Config) Validate() error {
	invalid := func(format string, args ...any) error { return component.Errorf(component.Invalid, format, args...) }
	switch {
	case c.Retry.Attempts < 0:
		return invalid("retry.attempts: %d is negative: 1 means no retry", c.Retry.Attempts)
	case c.Retry.Backoff < 0:
		return invalid("retry.backoff: %v is negative", c.Retry.Backoff)
	case c.Retry.MaxBackoff < 0:
		return invalid("retry.max_backoff: %v is negative", c.Retry.MaxBackoff)
	case c.Timeout < 0 && c.Timeout != NoTimeout:
		return invalid("timeout: %v is negative: step.NoTimeout (-1ns) means none", c.Timeout)
	case c.Resources.CPU != -1 && !(c.Resources.CPU >= 0 && c.Resources.CPU <= math.MaxInt32):
		return invalid("resources.cpu: %g is no number of cores: -1 means none", c.Resources.CPU)
	case c.Resources.Memory < -1:
		return invalid("resources.memory: %d is negative: -1 means none", int64(c.Resources.Memory))
	case c.Resources.GPU < -1:
		return invalid("resources.gpu: %d is negative: -1 means none", c.Resources.GPU)
	case !slices.Contains([]CacheMode{"", CacheOn, CacheNever, CachePure}, c.Cache.Mode):
		return invalid("cache.mode: %q is none of on, never, pure", c.Cache.Mode)
	case c.Cache.TTL < 0 && c.Cache.TTL != NoTTL:
		return invalid("cache.ttl: %v is negative: step.NoTTL (-1ns) means none", c.Cache.TTL)
	case len(c.Version) > maxName:
		return invalid("version: %d bytes are too long: use at most %d", len(c.Version), maxName)
	case c.Tolerate.Count < -1:
		return invalid("tolerate.count: %d is negative: -1 means none", c.Tolerate.Count)
	case !(c.Tolerate.Share >= 0 && c.Tolerate.Share <= 1):
		return invalid("tolerate.share: %g is not between 0 and 1", c.Tolerate.Share)
	case c.Tolerate.Count == -1 && c.Tolerate.Share != 0:
		return invalid("tolerate: count -1 means none, but share is %g", c.Tolerate.Share)
	case !slices.Contains([]Switch{"", On, Off}, c.ShareInputs):
		return invalid("share_inputs: %q is none of on, off", c.ShareInputs)
	case len(c.Runner) > maxName:
		return invalid("runner: %d bytes are too long: use at most %d", len(c.Runner), maxName)
	case !slices.Contains([]Switch{"", On, Off}, c.External):
		return invalid("external: %q is none of on, off", c.External)
	}
	return c.validateLimits()
}

func (c Config) validateLimits() error {
	if len(c.Limits) > maxLimits {
		return component.Errorf(component.Invalid, "limits: %d names are too many: use at most %d", len(c.Limits), maxLimits)
	}
	for i, name := range c.Limits {
		switch {
		case name == "" || len(name) > maxName:
			return component.Errorf(component.Invalid, "limits: %.40q is no name: use 1 to %d bytes", name, maxName)
		case slices.Contains(c.Limits[:i], name):
			return component.Errorf(component.Invalid, "limits: %q is named twice", name)
		}
	}
	return nil
}

package step

import (
	"slices"

	"github.com/tenon-ml/tenon/component"
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
		return invalid("timeout: %v is negative: step.NoTimeout means none", c.Timeout)
	case c.Resources.CPU < 0:
		return invalid("resources.cpu: %g is negative", c.Resources.CPU)
	case c.Resources.Memory < 0:
		return invalid("resources.memory: %d is negative", c.Resources.Memory)
	case c.Resources.GPU < 0:
		return invalid("resources.gpu: %d is negative", c.Resources.GPU)
	case !slices.Contains([]CacheMode{"", CacheOn, CacheNever, CachePure}, c.Cache.Mode):
		return invalid("cache.mode: %q is none of on, never, pure", c.Cache.Mode)
	case c.Cache.TTL < 0 && c.Cache.TTL != NoTTL:
		return invalid("cache.ttl: %v is negative: step.NoTTL means none", c.Cache.TTL)
	case c.Tolerate.Count < -1:
		return invalid("tolerate.count: %d is negative: -1 means none", c.Tolerate.Count)
	case !(c.Tolerate.Share >= 0 && c.Tolerate.Share <= 1):
		return invalid("tolerate.share: %g is not between 0 and 1", c.Tolerate.Share)
	case !slices.Contains([]Switch{"", On, Off}, c.ShareInputs):
		return invalid("share_inputs: %q is none of on, off", c.ShareInputs)
	case !slices.Contains([]Switch{"", On, Off}, c.External):
		return invalid("external: %q is none of on, off", c.External)
	}
	return nil
}

package step

import (
	"maps"
	"slices"
	"time"

	"github.com/tenon-ml/tenon/internal/ref"
)

// Option configures a step where it is wired: a [Config], pipeline.When or pipeline.After.
type Option interface{ StepOption(*ref.Options) }

// Config is what can be said about a step, as data. The zero value of each field says nothing and leaves the lower layer's
// word; the layers are, from low to high: stack, pipeline, step, run configuration. Values such as [NoTimeout] take back what a
// lower layer set.
type Config struct {
	// Retry says how often and when a failed attempt is repeated. Without it a step is tried once.
	Retry Retry `json:"retry,omitzero" yaml:"retry"`
	// Timeout of each attempt. [NoTimeout] removes one.
	Timeout time.Duration `json:"timeout,omitempty" yaml:"timeout"`
	// Resources that an attempt occupies of its host's budget while it runs.
	Resources Resources `json:"resources,omitzero" yaml:"resources"`
	// Cache says whether and how long a result may be used again.
	Cache Cache `json:"cache,omitzero" yaml:"cache"`
	// Version stands for state that is in no source, such as what a closure captured, and lets such a step be cached. It is part
	// of the cache key: change it to force a recomputation.
	Version string `json:"version,omitempty" yaml:"version"`
	// Limits names the limits of the orchestrator that an attempt counts against. A later layer's list replaces an
	// earlier one's; an empty list that is not nil removes it.
	Limits []string `json:"limits,omitempty" yaml:"limits"`
	// Tolerate says how many elements of a mapped step may fail without failing the step.
	Tolerate Tolerance `json:"tolerate,omitzero" yaml:"tolerate"`
	// ShareInputs lets the elements of a mapped step share one decoded copy of each input that is the same for all. The
	// step must not change them: they are hashed again afterwards, and a change fails the run.
	ShareInputs Switch `json:"share_inputs,omitempty" yaml:"share_inputs"`
	// External marks a step with effects outside Tenon: it starts only when everything upstream is committed.
	External Switch `json:"external,omitempty" yaml:"external"`
}

// StepOption makes a Config an [Option].
func (c Config) StepOption(o *ref.Options) { o.Configs = append(o.Configs, c) }

// NoTimeout removes the timeout that a lower layer set.
const NoTimeout time.Duration = -1

// Switch is a boolean that can say nothing.
type Switch string

// The values of a [Switch]. The empty string says nothing.
const (
	On  Switch = "on"
	Off Switch = "off"
)

// Retry is a retry policy: exponential backoff with jitter.
type Retry struct {
	// Attempts is the largest number of attempts, including the first. 1 means no retry; 0 says nothing.
	Attempts int `json:"attempts,omitempty" yaml:"attempts"`
	// Backoff is the wait before the second attempt; each further wait is twice as long. 0 means one second.
	Backoff time.Duration `json:"backoff,omitempty" yaml:"backoff"`
	// MaxBackoff bounds the wait. 0 means one minute.
	MaxBackoff time.Duration `json:"max_backoff,omitempty" yaml:"max_backoff"`
}

// NoRetry removes the retry policy that a lower layer set.
var NoRetry = Retry{Attempts: 1}

// Resources of the host that runs an attempt.
type Resources struct {
	CPU    float64 `json:"cpu,omitempty" yaml:"cpu"`       // cores; 0 says nothing, an unconfigured step counts as one
	Memory Bytes   `json:"memory,omitempty" yaml:"memory"` // bytes; in YAML also "4GiB"
	GPU    int     `json:"gpu,omitempty" yaml:"gpu"`       // devices
}

// Cache is a cache policy.
type Cache struct {
	// Mode is the empty string (say nothing; cache by default), CacheOn, CacheNever or CachePure.
	Mode CacheMode `json:"mode,omitempty" yaml:"mode"`
	// TTL is the greatest age of a result that may be used again. 0 says nothing; [NoTTL] removes one.
	TTL time.Duration `json:"ttl,omitempty" yaml:"ttl"`
}

// NoTTL removes the TTL that a lower layer set.
const NoTTL time.Duration = -1

// CacheMode says whether results are used again.
type CacheMode string

// The cache modes.
const (
	CacheOn    CacheMode = "on"    // the default
	CacheNever CacheMode = "never" // always run
	CachePure  CacheMode = "pure"  // on, and captured state is asserted not to matter
)

// Ready-made cache policies.
var (
	Never = Cache{Mode: CacheNever} // always run the step
	Pure  = Cache{Mode: CachePure}  // cache the step although it may capture state
)

// TTL returns the policy that uses results again up to the given age.
func TTL(age time.Duration) Cache { return Cache{Mode: CacheOn, TTL: age} }

// Tolerance bounds the failures of a mapped step's elements. Tolerated elements are left out of a gathered list.
type Tolerance struct {
	Count int     `json:"count,omitempty" yaml:"count"` // elements; -1 removes a lower layer's tolerance
	Share float64 `json:"share,omitempty" yaml:"share"` // of all elements, 0 to 1
}

// NoTolerance removes the tolerance that a lower layer set.
var NoTolerance = Tolerance{Count: -1}

// Merge returns lower overlaid with c: what c says wins, the rest is lower's.
func (c Config) Merge(lower Config) Config {
	out := lower
	if c.Retry != (Retry{}) {
		out.Retry = c.Retry
	}
	if c.Timeout != 0 {
		out.Timeout = c.Timeout
	}
	if c.Resources.CPU != 0 {
		out.Resources.CPU = c.Resources.CPU
	}
	if c.Resources.Memory != 0 {
		out.Resources.Memory = c.Resources.Memory
	}
	if c.Resources.GPU != 0 {
		out.Resources.GPU = c.Resources.GPU
	}
	if c.Cache.Mode != "" {
		out.Cache.Mode = c.Cache.Mode
	}
	if c.Cache.TTL != 0 {
		out.Cache.TTL = c.Cache.TTL
	}
	if c.Version != "" {
		out.Version = c.Version
	}
	if c.Limits != nil {
		out.Limits = slices.Clone(c.Limits)
	}
	if c.Tolerate != (Tolerance{}) {
		out.Tolerate = c.Tolerate
	}
	if c.ShareInputs != "" {
		out.ShareInputs = c.ShareInputs
	}
	if c.External != "" {
		out.External = c.External
	}
	return out
}

// Configs by step name, as a run configuration holds them.
type Configs map[string]Config

// Clone returns a copy that shares nothing with c.
func (c Configs) Clone() Configs { return maps.Clone(c) }

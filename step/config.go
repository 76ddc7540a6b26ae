package step

import (
	"time"

	"github.com/tenon-ml/tenon/internal/ref"
)

// Option configures a step where it is wired: a [Config], pipeline.When or pipeline.After.
type Option interface{ StepOption(*ref.Options) }

// Config is what can be said about a step, as data. The zero value says nothing.
//
// It is said in layers, from low to high: stack, pipeline, step, run configuration. [Config.Merge] lays one over another, field by
// field: a field that is zero leaves the lower layer's word, and a value such as [NoTimeout] takes it back.
type Config struct {
	// Retry says how often and when a failed attempt is repeated. Without it a step is tried once; [NoRetry] says so.
	Retry Retry `json:"retry,omitzero" yaml:"retry"`
	// Timeout of each attempt. [NoTimeout] takes one back.
	Timeout time.Duration `json:"timeout,omitempty" yaml:"timeout"`
	// Resources that an attempt occupies of its host's budget while it runs. [NoResources] takes them back.
	Resources Resources `json:"resources,omitzero" yaml:"resources"`
	// Cache says whether and how long a result may be used again.
	Cache Cache `json:"cache,omitzero" yaml:"cache"`
	// Version stands for state that is in no source, such as what a closure captured, and lets such a step be cached. It is part
	// of the cache key: change it to force a recomputation. [NoVersion] takes one back.
	Version string `json:"version,omitempty" yaml:"version"`
	// Limits names the limits of the orchestrator that an attempt counts against. A higher layer's list replaces a
	// lower one's; an empty list that is not nil takes it back.
	Limits []string `json:"limits,omitzero" yaml:"limits"`
	// Tolerate says how many elements of a mapped step may fail without failing the step. [NoTolerance] takes it back.
	Tolerate Tolerance `json:"tolerate,omitzero" yaml:"tolerate"`
	// ShareInputs lets the elements of a mapped step share one decoded copy of each input that is the same for all. The
	// step must not change them: they are hashed again afterwards, and a change fails the run.
	ShareInputs Switch `json:"share_inputs,omitempty" yaml:"share_inputs"`
	// Runner names the way in which the orchestrator runs the attempts, such as "goroutine" or "process" of the local one. Empty says
	// nothing: the orchestrator's default.
	Runner string `json:"runner,omitempty" yaml:"runner"`
	// External marks a step with effects outside Tenon: it starts only when everything upstream is committed.
	External Switch `json:"external,omitempty" yaml:"external"`
}

// StepOption makes a Config an [Option].
func (c Config) StepOption(o *ref.Options) { o.Configs = append(o.Configs, c) }

// NoTimeout takes back the timeout that a lower layer set. In YAML it is "-1ns".
const NoTimeout time.Duration = -1

// NoVersion takes back the version that a lower layer set.
const NoVersion = "none"

// Switch is a boolean that can say nothing.
type Switch string

// The values of a [Switch]. The empty string says nothing.
const (
	On  Switch = "on"
	Off Switch = "off"
)

// Retry is a retry policy: exponential backoff with jitter. Its fields are merged one by one.
type Retry struct {
	// Attempts is the largest number of attempts, including the first. 1 means no retry; 0 says nothing.
	Attempts int `json:"attempts,omitempty" yaml:"attempts"`
	// Backoff is the wait before the second attempt; each further wait is twice as long. 0 means one second.
	Backoff time.Duration `json:"backoff,omitempty" yaml:"backoff"`
	// MaxBackoff bounds the wait. 0 means one minute.
	MaxBackoff time.Duration `json:"max_backoff,omitempty" yaml:"max_backoff"`
}

// NoRetry takes back the retries that a lower layer allowed.
var NoRetry = Retry{Attempts: 1}

// Resources of the host that runs an attempt. Of each, 0 says nothing and -1 takes back what a lower layer set. A step of which
// nothing is said counts as one core.
type Resources struct {
	CPU    float64 `json:"cpu,omitempty" yaml:"cpu"`       // cores
	Memory Bytes   `json:"memory,omitempty" yaml:"memory"` // bytes; in YAML also "4GiB"
	GPU    int     `json:"gpu,omitempty" yaml:"gpu"`       // devices
}

// NoResources takes back all resources that a lower layer set.
var NoResources = Resources{CPU: -1, Memory: -1, GPU: -1}

// Cache is a cache policy.
type Cache struct {
	// Mode is the empty string (say nothing; cache by default), CacheOn, CacheNever or CachePure.
	Mode CacheMode `json:"mode,omitempty" yaml:"mode"`
	// TTL is the greatest age of a result that may be used again. 0 says nothing; [NoTTL] takes one back.
	TTL time.Duration `json:"ttl,omitempty" yaml:"ttl"`
}

// NoTTL takes back the TTL that a lower layer set. In YAML it is "-1ns".
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

// TTL returns the policy that uses results again up to the given age. For a step that may capture state write
// Cache{Mode: CachePure, TTL: age}.
func TTL(age time.Duration) Cache { return Cache{Mode: CacheOn, TTL: age} }

// Tolerance bounds the failures of a mapped step's elements: the larger of Count and Share counts. Tolerated elements are left out of
// a gathered list. It is merged as a whole.
type Tolerance struct {
	Count int     `json:"count,omitempty" yaml:"count"` // elements; -1 takes back a lower layer's tolerance
	Share float64 `json:"share,omitempty" yaml:"share"` // of all elements, 0 to 1
}

// NoTolerance takes back the tolerance that a lower layer set.
var NoTolerance = Tolerance{Count: -1}

// Configs by step name, as a run configuration holds them.
type Configs map[string]Config

package metadata

import "time"

// Result is an entry of the cache: a step that succeeded under a cache key by which it may be found again, or if that is gone, one that has
// its result from the cache.
type Result struct {
	CacheKey string `json:"cache_key"`
	StepKey
	Pipeline string    `json:"pipeline"`
	Computed time.Time `json:"computed"`
	Size     int64     `json:"size"` // bytes of its outputs in the artifact store; inline content does not count
}

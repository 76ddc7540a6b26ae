package metadata

import (
	"fmt"
	"time"
)

// Page is one page of a listing.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page; empty on the last one.
	Next string `json:"next,omitempty"`
}

// Cursor asks for one page.
type Cursor struct {
	After string `json:"after,omitempty"` // Next of the page before, of the same query; empty for the first
	Limit int    `json:"limit,omitempty"` // 1 to 1000; 0 means 100
}

// RunQuery selects runs. Zero fields do not restrict.
type RunQuery struct {
	Pipeline string            `json:"pipeline,omitempty"`
	Name     string            `json:"name,omitempty"`
	IDPrefix string            `json:"id_prefix,omitempty"`
	States   []RunState        `json:"states,omitempty"` // one of them
	Tags     map[string]string `json:"tags,omitempty"`   // all of them; at most 100
	Lost     bool              `json:"lost,omitempty"`   // only those with [Run.Lost], which are found without reading others
	Before   time.Time         `json:"before,omitzero"`  // made before it, by the time in their IDs, which is in milliseconds
	Cursor
}

// FirstID returns what is not greater than a UUIDv7 of time t or later, and greater than one of an earlier millisecond.
func FirstID(t time.Time) string {
	ms := min(max(t.UnixMilli(), 0), 1<<48-1)
	return fmt.Sprintf("%08x-%04x", ms>>16, ms&0xffff)
}

// StepQuery selects steps of one run.
type StepQuery struct {
	Run    string      `json:"run"`
	Step   string      `json:"step,omitempty"`   // one step with its elements, or all
	Index  *int        `json:"index,omitempty"`  // of the element, -1 for the step itself; nil for all
	States []StepState `json:"states,omitempty"` // one of them, or all
	// NoElements leaves out the elements of mapped steps.
	NoElements bool `json:"no_elements,omitempty"`
	Cursor
}

// AttemptQuery selects attempts of one run.
type AttemptQuery struct {
	Run  string `json:"run"`
	Step string `json:"step,omitempty"` // or all
	// Index of the element; nil for all. -1 is a step that is not mapped.
	Index *int `json:"index,omitempty"`
	Cursor
}

// MetricQuery selects metrics of one run.
type MetricQuery struct {
	Run  string `json:"run"`
	Step string `json:"step,omitempty"` // or all
	Name string `json:"name,omitempty"` // or all
	Cursor
}

// ArtifactQuery selects artifacts. Zero fields do not restrict.
type ArtifactQuery struct {
	Run      string `json:"run,omitempty"`
	Step     string `json:"step,omitempty"`
	Pipeline string `json:"pipeline,omitempty"`
	Name     string `json:"name,omitempty"` // of a named artifact, "penguins/model": the first artifact of each of its versions
	IDPrefix string `json:"id_prefix,omitempty"`
	Cursor
}

// SignalQuery selects signals of one run.
type SignalQuery struct {
	Run string `json:"run"`
	Cursor
}

// ResultQuery selects entries of the cache. Zero fields do not restrict.
type ResultQuery struct {
	Pipeline string    `json:"pipeline,omitempty"`
	Before   time.Time `json:"before,omitzero"` // computed before it
	Cursor
}

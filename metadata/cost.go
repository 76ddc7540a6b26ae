package metadata

import "time"

// Cost is what an attempt used, or several together. Zero fields were not measured.
type Cost struct {
	CPU        time.Duration `json:"cpu,omitempty"`         // processor time, of user and system
	PeakMemory int64         `json:"peak_memory,omitempty"` // bytes; the largest of several
	Read       int64         `json:"read,omitempty"`        // bytes of artifacts that were read
	Written    int64         `json:"written,omitempty"`     // bytes of artifacts that were written
}

// Add returns the cost of both together: the sums, but for memory, whose greater peak it is.
func (c Cost) Add(other Cost) Cost {
	return Cost{
		CPU:        c.CPU + other.CPU,
		PeakMemory: max(c.PeakMemory, other.PeakMemory),
		Read:       c.Read + other.Read,
		Written:    c.Written + other.Written,
	}
}

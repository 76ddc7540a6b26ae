package local

import "github.com/tenon-ml/tenon/orchestrator"

// WithOOMKills returns an orchestrator of New that reads in a file whom the kernel killed.
func WithOOMKills(o orchestrator.Orchestrator, file string) orchestrator.Orchestrator {
	l := *o.(*local)
	l.oomKills = func() *oomKills { return &oomKills{file: file} }
	return &l
}

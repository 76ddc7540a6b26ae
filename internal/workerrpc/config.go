package workerrpc

import (
	"github.com/tenon-ml/tenon/step"

	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// configTo sends nothing of what says nothing.
func configTo(c step.Config) *workerv1.StepConfig {
	p := &workerv1.StepConfig{
		Timeout: durationTo(c.Timeout), Version: text(c.Version), ShareInputs: text(string(c.ShareInputs)), Runner: text(c.Runner),
		External: text(string(c.External)),
	}
	if r := c.Retry; r != (step.Retry{}) {
		p.Retry = &workerv1.StepConfig_Retry{Attempts: int64(r.Attempts), Backoff: durationTo(r.Backoff), MaxBackoff: durationTo(r.MaxBackoff)}
	}
	if r := c.Resources; r != (step.Resources{}) {
		p.Resources = &workerv1.StepConfig_Resources{Cpu: r.CPU, Memory: int64(r.Memory), Gpu: int64(r.GPU)}
	}
	if c := c.Cache; c != (step.Cache{}) {
		p.Cache = &workerv1.StepConfig_Cache{Mode: text(string(c.Mode)), Ttl: durationTo(c.TTL)}
	}
	if t := c.Tolerate; t != (step.Tolerance{}) {
		p.Tolerate = &workerv1.StepConfig_Tolerance{Count: int64(t.Count), Share: t.Share}
	}
	if c.Limits != nil {
		p.Limits = &workerv1.StepConfig_Limits{Names: all(c.Limits, text)}
	}
	return p
}

func configFrom(p *workerv1.StepConfig) step.Config {
	c := step.Config{
		Retry: step.Retry{
			Attempts: int(p.GetRetry().GetAttempts()), Backoff: durationFrom(p.GetRetry().GetBackoff()), MaxBackoff: durationFrom(p.GetRetry().GetMaxBackoff()),
		},
		Timeout: durationFrom(p.GetTimeout()),
		Resources: step.Resources{
			CPU: p.GetResources().GetCpu(), Memory: step.Bytes(p.GetResources().GetMemory()), GPU: int(p.GetResources().GetGpu()),
		},
		Cache:       step.Cache{Mode: step.CacheMode(p.GetCache().GetMode()), TTL: durationFrom(p.GetCache().GetTtl())},
		Version:     p.GetVersion(),
		Tolerate:    step.Tolerance{Count: int(p.GetTolerate().GetCount()), Share: p.GetTolerate().GetShare()},
		ShareInputs: step.Switch(p.GetShareInputs()),
		Runner:      p.GetRunner(),
		External:    step.Switch(p.GetExternal()),
	}
	if limits := p.GetLimits(); limits != nil {
		c.Limits = append([]string{}, limits.GetNames()...)
	}
	return c
}

package step_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	many := make([]string, 101)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	for want, c := range map[string]step.Config{
		"retry.attempts: -1 is negative: 1 means no retry":                         {Retry: step.Retry{Attempts: -1}},
		"retry.backoff: -1ns is negative":                                          {Retry: step.Retry{Backoff: -1}},
		"retry.max_backoff: -1ns is negative":                                      {Retry: step.Retry{MaxBackoff: -1}},
		"timeout: -1s is negative: step.NoTimeout (-1ns) means none":               {Timeout: -1e9},
		"resources.cpu: -2 is no number of cores: -1 means none":                   {Resources: step.Resources{CPU: -2}},
		"resources.cpu: NaN is no number of cores: -1 means none":                  {Resources: step.Resources{CPU: math.NaN()}},
		"resources.cpu: +Inf is no number of cores: -1 means none":                 {Resources: step.Resources{CPU: math.Inf(1)}},
		"resources.memory: -2 is negative: -1 means none":                          {Resources: step.Resources{Memory: -2}},
		"resources.gpu: -2 is negative: -1 means none":                             {Resources: step.Resources{GPU: -2}},
		`cache.mode: "always" is none of on, never, pure`:                          {Cache: step.Cache{Mode: "always"}},
		"cache.ttl: -1s is negative: step.NoTTL (-1ns) means none":                 {Cache: step.TTL(-1e9)},
		"version: 201 bytes are too long: use at most 200":                         {Version: strings.Repeat("1", 201)},
		"runner: 201 bytes are too long: use at most 200":                          {Runner: strings.Repeat("r", 201)},
		"limits: 101 names are too many: use at most 100":                          {Limits: many},
		`limits: "" is no name: use 1 to 200 bytes`:                                {Limits: []string{"a", ""}},
		`limits: "` + strings.Repeat("y", 40) + `" is no name: use 1 to 200 bytes`: {Limits: []string{strings.Repeat("y", 201)}},
		`limits: "a" is named twice`:                                               {Limits: []string{"a", "b", "a"}},
		"tolerate.count: -2 is negative: -1 means none":                            {Tolerate: step.Tolerance{Count: -2}},
		"tolerate.share: 1.5 is not between 0 and 1":                               {Tolerate: step.Tolerance{Share: 1.5}},
		"tolerate.share: NaN is not between 0 and 1":                               {Tolerate: step.Tolerance{Share: math.NaN()}},
		"tolerate: count -1 means none, but share is 0.5":                          {Tolerate: step.Tolerance{Count: -1, Share: 0.5}},
		`share_inputs: "true" is none of on, off`:                                  {ShareInputs: "true"},
		`external: "ON" is none of on, off`:                                        {External: "ON"},
	} {
		err := c.Validate()
		if err == nil || err.Error() != want || !errors.Is(err, component.ErrInvalid) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	for name, c := range map[string]step.Config{"zero": {}, "full": full, "none": none} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package doccheck

import (
	"testing"

	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

// What follows is quoted by docs/testing.md.

func TestSearchUnderFaults(t *testing.T) {
	pipelinetest.Seeds(t, 3, func(t *testing.T, seed uint64) {
		pipelinetest.Simulate(t, Search, Search.Params(), seed)
	})
}

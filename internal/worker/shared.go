package worker

import (
	"sync"

	"github.com/tenon-ml/tenon/artifact"
)

// sharedInputs decodes each input once.
type sharedInputs struct {
	mu     sync.Mutex
	values map[artifact.Digest]any
}

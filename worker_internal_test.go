package tenon

import (
	"errors"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/stack"
)

// A worker opens the artifact store that its job describes, and none that is merely called the same.
func TestWorkerStore(t *testing.T) {
	t.Parallel()
	parts, err := sorted(nil)
	if err != nil {
		t.Fatal(err)
	}
	job := workerrpc.Job{Home: t.TempDir(), StackName: stack.DefaultName, Stack: stack.Default().YAML()}
	store, err := workerStore(t.Context(), parts, job)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	job.Stack = nil
	if _, err := workerStore(t.Context(), parts, job); !errors.Is(err, component.ErrFailedPrecondition) || !strings.Contains(err.Error(), "composed by the program") {
		t.Errorf("a composed stack: %v", err)
	}
	job.Stack = []byte("name: [")
	if _, err := workerStore(t.Context(), parts, job); !errors.Is(err, component.ErrInvalid) {
		t.Errorf("a malformed stack: %v", err)
	}
}

package local_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/orchestrator/orchestratortest"
)

func TestMain(m *testing.M) {
	if code, ok := orchestratortest.Work(); ok {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

package doccheck

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// What follows is quoted by docs/writing-steps.md.

type ReviewIn struct {
	Model artifact.Ref[artifact.File]
	Where string
}

type SendIn struct {
	Model    artifact.Ref[artifact.File]
	Approval artifact.Ref[pipeline.Approval]
}

func Send(_ context.Context, in SendIn) (artifact.Ref[string], error) {
	model, err := os.ReadFile(string(in.Model.Value()))
	return artifact.New(fmt.Sprintf("%s, approved by %s", strings.TrimSpace(string(model)), in.Approval.Value().By)), err
}

var Release = pipeline.Define("release", func(p *pipeline.Builder, _ struct{}) artifact.Ref[string] {
	model := pipeline.Use[artifact.File](p, "search/output@latest")
	approval := pipeline.Wait(p, "review", "Send this model to the customers?",
		ReviewIn{Model: model, Where: "Europe"}, step.Config{Timeout: 72 * time.Hour})
	return pipeline.Step(p, "send", Send, SendIn{Model: model, Approval: approval})
})

func TestRelease(t *testing.T) {
	t.Parallel()
	home := tenon.Config{Home: t.TempDir()} // of both runs
	pipelinetest.Run(t, Search, Search.Params(), home)
	sent := pipelinetest.Run(t, Release, struct{}{}, home, pipelinetest.Approve("review", "ada", "looks good"))
	if got := sent.Value(); got != "y = 2.00x, approved by ada" {
		t.Errorf("sent %q", got)
	}
}

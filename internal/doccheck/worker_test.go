package doccheck

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
	"github.com/tenon-ml/tenon/step"
)

// What follows is quoted by docs/running.md.

func TestMain(m *testing.M) {
	os.Exit(pipelinetest.Main(m, Crawl))
}

type CrawlIn struct{ Pages int }

// Visit goes on from the page that an earlier attempt came to.
func Visit(ctx context.Context, in CrawlIn) (artifact.Ref[int], error) {
	page := 0
	if _, err := step.Restore(ctx, &page); err != nil {
		return artifact.Ref[int]{}, err
	}
	for ; page < in.Pages; page++ {
		if err := visit(ctx, page); err != nil {
			return artifact.Ref[int]{}, err
		}
		if err := step.Checkpoint(ctx, page+1); err != nil {
			return artifact.Ref[int]{}, err
		}
	}
	return artifact.New(page), nil
}

var Crawl = pipeline.Define("crawl", func(p *pipeline.Builder, in CrawlIn) artifact.Ref[int] {
	return pipeline.Step(p, "visit", Visit, in, step.Config{
		Runner: "process", Resources: step.Resources{Memory: 512 << 20}, Retry: step.Retry{Attempts: 3},
	})
}, pipeline.Defaults(CrawlIn{Pages: 100}))

func TestCrawl(t *testing.T) {
	t.Parallel()
	pages := pipelinetest.Run(t, Crawl, CrawlIn{Pages: 3})
	if pages.Value() != 3 {
		t.Errorf("visited %d pages", pages.Value())
	}
}

// again goes on with a run that did not succeed.
func again(ctx context.Context, client *tenon.Client, id string) (int, error) {
	run, err := Crawl.Resume(ctx, client, id)
	if err != nil {
		return 0, err
	}
	pages, err := run.Result(ctx)
	return pages.Value(), err
}

// further makes a new run of an old one, with another parameter.
func further(ctx context.Context, client *tenon.Client, id string, pages int) (*pipeline.Run[artifact.Ref[int]], error) {
	return Crawl.Replay(ctx, client, pipeline.Replay{Run: id}, func(in *CrawlIn) { in.Pages = pages })
}

// visit fails at the fourth page of the first attempt in a process of its own.
func visit(ctx context.Context, page int) error {
	at, _ := step.Info(ctx)
	if page == 3 && at.Number == 1 {
		return step.Permanent(component.Errorf(component.Unavailable, "the site is down"))
	}
	return nil
}

func TestCrawlAgain(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	run, err := Crawl.Run(t.Context(), client, CrawlIn{Pages: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Result(t.Context()); err == nil {
		t.Fatal("the site is up")
	}
	if n, err := again(t.Context(), client, run.ID()); n != 5 || err != nil {
		t.Errorf("visited %d pages, %v", n, err)
	}
	attempts, err := client.Metadata().Attempts(t.Context(), metadata.AttemptQuery{Run: run.ID()})
	if err != nil || len(attempts.Items) != 2 || attempts.Items[1].Cost.CPU <= time.Microsecond {
		t.Errorf("attempts %+v, %v", attempts.Items, err)
	}
	next, err := further(t.Context(), client, run.ID(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if pages, err := next.Result(t.Context()); err != nil || pages.Value() != 2 {
		t.Errorf("visited %d pages, %v", pages.Value(), err)
	}
}

package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/step"
)

// sends returns a pipeline whose last step needs something that is not always there.
func sends(there *bool) *pipeline.Pipeline[Params, artifact.Ref[string]] {
	return pipeline.Define("sends", func(p *pipeline.Builder, in Params) artifact.Ref[string] {
		words := pipeline.Step(p, "split", func(ctx context.Context, in SplitIn) (artifact.Ref[[]string], error) {
			fmt.Println("split", in.Text)
			return Split(ctx, in)
		}, SplitIn{in.Text}, step.Config{Cache: step.Never})
		return pipeline.Step(p, "send", func(_ context.Context, in CountIn) (artifact.Ref[string], error) {
			if !*there {
				return artifact.Ref[string]{}, errors.New("no connection")
			}
			return artifact.New("sent " + strings.Join(in.Words.Value(), "+")), nil
		}, CountIn{Words: words}, step.Config{Cache: step.Never})
	})
}

// A run that failed goes on when the reason is gone: what succeeded does not run again.
func ExamplePipeline_Resume() {
	there := false
	p := sends(&there)
	err := withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := p.Run(ctx, client, Params{Text: "a tenon"})
		if err != nil {
			return err
		}
		_, err = run.Result(ctx)
		fmt.Println("failed:", err != nil)

		there = true
		run, err = p.Resume(ctx, client, run.ID())
		if err != nil {
			return err
		}
		sent, err := run.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Println(sent.Value())
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// split a tenon
	// failed: true
	// sent a+tenon
}

// A new run begins with the results of another one: only what From names runs, and what depends on it.
func ExamplePipeline_Replay() {
	there := true
	p := sends(&there)
	err := withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := p.Run(ctx, client, Params{Text: "a tenon"})
		if err != nil {
			return err
		}
		if _, err := run.Result(ctx); err != nil {
			return err
		}
		again, err := p.Replay(ctx, client, pipeline.Replay{Run: run.ID(), From: []string{"send"}}, nil)
		if err != nil {
			return err
		}
		sent, err := again.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Println(sent.Value())

		changed, err := p.Replay(ctx, client, pipeline.Replay{Run: run.ID()}, func(p *Params) { p.Text += " fits" })
		if err != nil {
			return err
		}
		sent, err = changed.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Println(sent.Value())
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// split a tenon
	// sent a+tenon
	// split a tenon fits
	// sent a+tenon+fits
}

// What a run returned can be read later, by its ID, in any program that has the pipeline.
func ExamplePipeline_Result() {
	p := pipeline.Define("count", func(p *pipeline.Builder, in Params) artifact.Ref[int] {
		return pipeline.Step(p, "count", Count, CountIn{Words: pipeline.Step(p, "split", Split, SplitIn{in.Text})})
	})
	err := withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := p.Run(ctx, client, Params{Text: "a tenon fits"})
		if err != nil {
			return err
		}
		if _, err := run.Result(ctx); err != nil {
			return err
		}
		params, err := p.ParamsOf(ctx, client, run.ID())
		if err != nil {
			return err
		}
		words, err := p.Result(ctx, client, run.ID())
		if err != nil {
			return err
		}
		fmt.Printf("%q has %d words\n", params.Text, words.Value())
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: "a tenon fits" has 3 words
}

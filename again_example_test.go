package tenon_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/pipeline"
)

// withClient calls do with a client on a temporary home.
func withClient(do func(context.Context, *tenon.Client) error) {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "tenon-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	client, err := tenon.Open(ctx, tenon.Config{Home: home})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	if err := do(ctx, client); err != nil {
		fmt.Println(err)
	}
}

// A program that starts runs goes on with what was left when it starts again, since it was killed or closed its client.
func ExampleClient_Recover() {
	withClient(func(ctx context.Context, client *tenon.Client) error {
		runs, err := client.Recover(ctx, pipeline.ResumeConfig{}, squares)
		if err != nil {
			fmt.Println("some runs cannot go on:", err)
		}
		for _, run := range runs {
			fmt.Println("goes on:", run.ID())
		}
		fmt.Println(len(runs), "runs were left")
		return nil
	})
	// Output: 0 runs were left
}

// Whoever knows the ID of a run answers its question, also from another process than the run's.
func ExampleClient_Approve() {
	withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := asking.Run(ctx, client, struct{}{})
		if err != nil {
			return err
		}
		if err := client.Approve(ctx, run.ID(), "revue", tenon.Remark{By: "ann"}); err != nil {
			fmt.Println(err.Error()[len("run "+run.ID()+": "):])
		}
		if err := client.Approve(ctx, run.ID(), "review", tenon.Remark{By: "ann", Note: "seven is a prime"}); err != nil {
			return err
		}
		approval, err := run.Result(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("approved by %s: %s\n", approval.Value().By, approval.Value().Note)
		return nil
	})
	// Output:
	// step "revue" asks nobody: did you mean "review"?
	// approved by ann: seven is a prime
}

// long is a pipeline whose result is too long for its record.
var long = pipeline.Define("long", func(p *pipeline.Builder, _ struct{}) artifact.Ref[[]byte] {
	return pipeline.Step(p, "write", func(context.Context, struct{}) (artifact.Ref[[]byte], error) {
		return artifact.New(make([]byte, 8000)), nil
	}, struct{}{})
})

// What only deleted runs referred to is collected, at once if nobody is just writing.
func ExampleClient_GC() {
	withClient(func(ctx context.Context, client *tenon.Client) error {
		run, err := long.Run(ctx, client, struct{}{})
		if err != nil {
			return err
		}
		if _, err := run.Result(ctx); err != nil {
			return err
		}
		if err := client.Metadata().DeleteRun(ctx, run.ID()); err != nil {
			return err
		}
		for _, grace := range []time.Duration{0, -1} {
			report, err := client.GC(ctx, tenon.GCOptions{Grace: grace})
			if err != nil {
				return err
			}
			for _, store := range report.Stores {
				fmt.Println("too young:", store.Young.Contents, "deleted:", store.Deleted.Contents, "with", store.Deleted.Bytes, "bytes")
			}
		}
		return nil
	})
	// Output:
	// too young: 1 deleted: 0 with 0 bytes
	// too young: 0 deleted: 1 with 8000 bytes
}

// A program with a main of its own lets steps execute in processes of their own, which are the program itself: they end in RunWorker.
func ExampleRunWorker() {
	main := func() {
		config := tenon.Config{Home: "/var/lib/squares"}
		tenon.RunWorker(squares, config) // before anything else
		fmt.Println("this is no worker: open a client, and serve")
	}
	main()
	// Output: this is no worker: open a client, and serve
}

package tenon

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/cli"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/internal/part"
	"github.com/tenon-ml/tenon/metadata"
	orchestratorlocal "github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/pipeline"
)

// Part is what [Main] and [Open] take: a *pipeline.Pipeline, a component.Flavor, or a [Config].
type Part = part.Part

// Main is the whole main function of a program of pipelines: a command line that runs them, shows their graphs and their
// parameters. It exits the process; see "program --help". A process that was started as a worker executes its step instead, as
// [RunWorker] does. With flavors, the program's stacks may use them beside the built-in ones.
func Main(parts ...Part) {
	RunWorker(parts...)
	os.Exit(cli.Run(context.Background(), app(parts), os.Args[1:]))
}

func app(parts []Part) cli.App {
	s, sortErr := sorted(parts)
	return cli.App{
		Program:   strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"),
		Pipelines: s.pipelines,
		Flavors:   s.flavors,
		Open: func(ctx context.Context, o cli.Options) (cli.Client, error) {
			if sortErr != nil {
				return nil, sortErr
			}
			c := s.config
			if c.Logger == nil {
				c.Logger = o.Logger
			}
			if o.Home != "" {
				c.Home = o.Home
			}
			if o.Existing && c.Metadata == nil && !hasState(c.Home) {
				return nil, cli.ErrNoState
			}
			client, err := open(ctx, c, s.flavors)
			if err != nil {
				return nil, err
			}
			client.main = len(s.pipelines) > 0
			return commands{client}, nil
		},
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(),
	}
}

// commands is what the command line needs beside the methods that programs call.
type commands struct{ *Client }

// Collect implements cli.Client.
func (c commands) Collect(ctx context.Context, how gc.Request) ([]gc.StoreReport, error) {
	return c.collect(ctx, how)
}

// Signal implements cli.Client.
func (c commands) Signal(ctx context.Context, s metadata.Signal) error { return c.signal(ctx, s) }

// builtin returns the flavors that every program has.
func builtin() []component.Flavor {
	return []component.Flavor{artifactlocal.Flavor, orchestratorlocal.Flavor}
}

// assorted holds parts by what they are.
type assorted struct {
	config    Config
	pipelines []pipeline.Definition
	flavors   []component.Flavor
}

// sorted takes parts apart. The error's code is Invalid.
func sorted(parts []Part) (assorted, error) {
	s := assorted{flavors: builtin()}
	configs := 0
	for i, p := range parts {
		switch p := p.(type) {
		case Config:
			s.config = p
			configs++
		case component.Flavor:
			s.flavors = append(s.flavors, p)
		case pipeline.Definition:
			s.pipelines = append(s.pipelines, p)
		default:
			return s, component.Errorf(component.Invalid, "open a client: part %d is a %T: want a pipeline, a flavor or a tenon.Config", i, p)
		}
	}
	if configs > 1 {
		return s, component.Errorf(component.Invalid, "open a client: %d values of tenon.Config given, want at most one", configs)
	}
	return s, nil
}

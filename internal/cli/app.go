package cli

import (
	"context"
	"io"
	"log/slog"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// App is what the command line works on.
type App struct {
	// Program is the name shown in usage: "tenon", or that of the user's binary.
	Program string
	// Pipelines of the program; none for the tenon command.
	Pipelines []pipeline.Definition
	// Flavors that this binary knows, the built-in ones among them.
	Flavors []component.Flavor
	// Open opens the client that Options describes. The caller closes it.
	Open func(ctx context.Context, o Options) (Client, error)

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
}

// Options for opening a client.
type Options struct {
	Home string // "" means TENON_HOME, or ~/.tenon
	// Existing asks for ErrNoState in place of a new state directory.
	Existing bool
	// Logger is for what a person should know. It may be replaced by one of the program.
	Logger *slog.Logger
}

// Client is what *tenon.Client offers the command line.
type Client interface {
	pipeline.Client
	// Home returns the state directory.
	Home() string
	// Metadata returns the metadata store. The client closes it.
	Metadata() metadata.Store
	// Stack opens the client's stack, or the named one. The client closes it.
	Stack(ctx context.Context, name string) (stack.Stack, error)
	// Artifacts opens the artifact store of a stack.
	Artifacts(ctx context.Context, stackName string) (artifact.Store, error)
	// Signal asks the driver of a run for something. ID and Created are filled in. A step that asks nobody is Invalid.
	Signal(ctx context.Context, s metadata.Signal) error
	// Collect deletes content that nothing recorded refers to. The reports are complete as far as it got, also beside an error.
	Collect(ctx context.Context, how gc.Request) ([]gc.StoreReport, error)
	Close() error
}

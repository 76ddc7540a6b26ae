package cli

import (
	"context"
	"errors"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// ErrNoState is what App.Open returns for Options.Existing if there is no state.
var ErrNoState = errors.New("nothing is recorded yet")

// nothing is the client of a state directory that does not exist: looking leaves no trace. Only what commands that look need works.
type nothing struct{ Client }

func (nothing) Metadata() metadata.Store { return noRecords{} }
func (nothing) Close() error             { return nil }

// noRecords is a metadata store that holds nothing.
type noRecords struct{ metadata.Store }

func (noRecords) Runs(context.Context, metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	return metadata.Page[metadata.Run]{}, nil
}

func (noRecords) Artifacts(context.Context, metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	return metadata.Page[metadata.Artifact]{}, nil
}

func (noRecords) Version(_ context.Context, name string, _ int) (metadata.Version, error) {
	return metadata.Version{}, component.Errorf(component.NotFound, "no artifact is named %.80q", name)
}

func (noRecords) Stack(_ context.Context, name string) (metadata.Stack, error) {
	return metadata.Stack{}, component.Errorf(component.NotFound, "no stack %q", name)
}

func (noRecords) Stacks(context.Context) ([]metadata.Stack, error) { return nil, nil }
func (noRecords) ActiveStack(context.Context) (string, error)      { return "", nil }
func (noRecords) SetActiveStack(_ context.Context, _ string) error { return nil } // "", the default, is the only one there is

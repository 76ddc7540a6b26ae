package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// keepNewest takes from runs that are to be deleted those without which the newest version of a result would be gone. Pipeline, if not empty, is
// that of all of them.
func keepNewest(ctx context.Context, store metadata.Store, runs []doomedRun, pipeline string) (rest []doomedRun, kept []keptRun, err error) {
	rest, kept = runs, []keptRun{}
	going := make(map[string]bool, len(runs))
	for _, r := range runs {
		going[r.Run] = true
	}
	prefix := ""
	if pipeline != "" {
		prefix = pipeline + "/"
	}
	for v, err := range metadata.All(ctx, func(ctx context.Context, c metadata.Cursor) (metadata.Page[metadata.Version], error) {
		return store.Names(ctx, prefix, c)
	}, metadata.Cursor{}) {
		if err != nil {
			return nil, nil, err
		}
		last, err := lastOwner(ctx, store, v, going)
		if err != nil {
			return nil, nil, err
		}
		if last != "" {
			delete(going, last)
			kept = append(kept, keptRun{last, fmt.Sprintf("%s@%d", v.Name, v.Version)})
		}
	}
	return slices.DeleteFunc(rest, func(r doomedRun) bool { return !going[r.Run] }), kept, nil
}

// lastOwner returns the newest of the runs that have a version, if all of them are going.
func lastOwner(ctx context.Context, store metadata.Store, v metadata.Version, going map[string]bool) (string, error) {
	first, err := store.Artifact(ctx, v.Artifact)
	if errors.Is(err, component.ErrNotFound) {
		return "", nil // deleted meanwhile
	}
	if err != nil || !going[first.Run] {
		return "", err
	}
	// A version belongs to content: later runs whose result has the same share it.
	result := strings.TrimPrefix(v.Name, first.Pipeline+"/")
	last := ""
	for r, err := range metadata.All(ctx, store.Runs, metadata.RunQuery{Pipeline: first.Pipeline, States: []metadata.RunState{metadata.RunSucceeded}}) {
		if err != nil {
			return "", err
		}
		if r.ID == first.Run {
			break
		}
		whole, err := store.Run(ctx, r.ID) // with its outputs
		if err != nil || whole.Outputs[result].Digest != first.Record.Digest {
			continue // deleted meanwhile, or another version
		}
		if !going[r.ID] {
			return "", nil
		}
		if last == "" {
			last = r.ID
		}
	}
	if last == "" {
		last = first.Run
	}
	return last, nil
}

// Names finds nothing.
func (noRecords) Names(context.Context, string, metadata.Cursor) (metadata.Page[metadata.Version], error) {
	return metadata.Page[metadata.Version]{}, nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

const artifactReference = "an artifact: its ID, the beginning of its ID, RUN/STEP[/OUTPUT], or PIPELINE/RESULT@VERSION"

// findArtifact resolves what a person wrote for an artifact.
func findArtifact(ctx context.Context, store metadata.Store, text string) (metadata.Artifact, error) {
	if strings.Contains(text, "@") {
		return versionNamed(ctx, store, text)
	}
	if run, path, ok := strings.Cut(text, "/"); ok {
		a, err := outputOf(ctx, store, run, path)
		if errors.Is(err, component.ErrNotFound) { // a run comes first, whatever its name
			if named, unnamed := versionNamed(ctx, store, text); unnamed == nil {
				return named, nil
			}
		}
		return a, err
	}
	prefix := strings.ToLower(text)
	if strings.Trim(prefix, "0123456789abcdef-") != "" {
		return metadata.Artifact{}, usagef("%.80q is no artifact: name %s", text, artifactReference)
	}
	page, err := store.Artifacts(ctx, metadata.ArtifactQuery{IDPrefix: prefix, Cursor: metadata.Cursor{Limit: 4}})
	switch {
	case err != nil:
		return metadata.Artifact{}, err
	case len(page.Items) == 0:
		return metadata.Artifact{}, component.Errorf(component.NotFound, "no artifact %.80q: \"tenon artifact list\" shows the artifacts", text)
	case len(page.Items) > 1:
		return metadata.Artifact{}, usagef("%.80q may be several artifacts, %s, %s: write more of the ID", text, page.Items[0].ID, page.Items[1].ID)
	}
	return page.Items[0], nil
}

// versionNamed finds a version of a named artifact: "penguins/Model@3", "penguins/Model@latest" or "penguins/Model".
func versionNamed(ctx context.Context, store metadata.Store, text string) (metadata.Artifact, error) {
	named, err := ref.ParseNamed(text)
	if err != nil {
		return metadata.Artifact{}, usagef("%.80q is no version of an artifact: %w", text, err)
	}
	v, err := store.Version(ctx, named.Name, named.Version)
	switch {
	case errors.Is(err, component.ErrNotFound) && named.Version > 0:
		return metadata.Artifact{}, fmt.Errorf("%w: \"tenon artifact list --name %s\" shows those that there are", err, named.Name)
	case err != nil:
		return metadata.Artifact{}, err
	}
	return store.Artifact(ctx, v.Artifact)
}

// outputOf finds the output of a step. The names of steps may hold slashes too, so the longest one that exists wins.
func outputOf(ctx context.Context, store metadata.Store, runRef, path string) (metadata.Artifact, error) {
	run, err := findRun(ctx, store, runRef, "")
	if err != nil {
		return metadata.Artifact{}, err
	}
	outputs, err := outputsOf(ctx, store, run.ID, path)
	if err != nil {
		return metadata.Artifact{}, err
	}
	want := ""
	if len(outputs) == 0 {
		if cut := strings.LastIndexByte(path, '/'); cut > 0 {
			want = path[cut+1:]
			if outputs, err = outputsOf(ctx, store, run.ID, path[:cut]); err != nil {
				return metadata.Artifact{}, err
			}
		}
	}
	var names []string
	for _, a := range outputs {
		if a.Name == want || want == "" && len(outputs) == 1 {
			return a, nil
		}
		names = append(names, a.Name)
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return metadata.Artifact{}, noOutput(ctx, store, run.ID, runRef, path)
	case want == "":
		return metadata.Artifact{}, usagef("step %.80q has several outputs: add one of /%s", path, strings.Join(names, ", /"))
	}
	return metadata.Artifact{}, component.Errorf(component.NotFound, "step %.80q has no output %.80q: it has %s", strings.TrimSuffix(path, "/"+want), want, strings.Join(names, ", "))
}

// noOutput explains a path that names no output. Of a mapped step each element has some.
func noOutput(ctx context.Context, store metadata.Store, run, runRef, path string) error {
	names := []string{path}
	if cut := strings.LastIndexByte(path, '/'); cut > 0 {
		names = append(names, path[:cut])
	}
	for _, name := range names {
		page, err := store.Steps(ctx, metadata.StepQuery{Run: run, Step: name, NoElements: true, Cursor: metadata.Cursor{Limit: 1}})
		if err != nil {
			return err
		}
		if len(page.Items) > 0 && page.Items[0].Elements > 0 {
			return usagef("step %.80q ran once for each of %s: name one, such as %s/%s[0]%s",
				name, count(page.Items[0].Elements, "element"), runRef, name, strings.TrimPrefix(path, name))
		}
	}
	return component.Errorf(component.NotFound, "run %s has no output %.80q: \"tenon run show %s\" shows its outputs", run, path, run)
}

// outputsOf returns the outputs of a step or of one element.
func outputsOf(ctx context.Context, store metadata.Store, run, name string) ([]metadata.Artifact, error) {
	step, index := splitElement(name)
	at := -1
	if index != nil {
		at = *index
	}
	var outputs []metadata.Artifact
	for a, err := range metadata.All(ctx, store.Artifacts, metadata.ArtifactQuery{Run: run, Step: step}) {
		if err != nil {
			return nil, err
		}
		if a.Index == at {
			outputs = append(outputs, a)
		}
	}
	return outputs, nil
}

package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

const runReference = "a run: its ID, the beginning of its ID, its name, or LAST"

// findRun resolves what a person wrote for a run. Pipeline, if not empty, restricts LAST and names.
func findRun(ctx context.Context, store metadata.Store, ref, pipeline string) (metadata.Run, error) {
	if ref == "LAST" {
		page, err := store.Runs(ctx, metadata.RunQuery{Pipeline: pipeline, Cursor: metadata.Cursor{Limit: 1}})
		switch {
		case err != nil:
			return metadata.Run{}, err
		case len(page.Items) > 0:
			return store.Run(ctx, page.Items[0].ID)
		case pipeline != "":
			return metadata.Run{}, component.Errorf(component.NotFound, "no run of pipeline %q is recorded", pipeline)
		}
		return metadata.Run{}, component.Errorf(component.NotFound, "no run is recorded: run a program with pipelines first")
	}
	var found []metadata.Run
	queries := []metadata.RunQuery{{Name: ref, Pipeline: pipeline}}
	if prefix := strings.ToLower(ref); strings.Trim(prefix, "0123456789abcdef-") == "" {
		queries = append(queries, metadata.RunQuery{IDPrefix: prefix, Pipeline: pipeline})
	}
	for _, q := range queries {
		q.Limit = 4
		page, err := store.Runs(ctx, q)
		if err != nil {
			return metadata.Run{}, err
		}
		for _, r := range page.Items {
			if !slices.ContainsFunc(found, func(f metadata.Run) bool { return f.ID == r.ID }) {
				found = append(found, r)
			}
		}
	}
	switch len(found) {
	case 0:
		return metadata.Run{}, component.Errorf(component.NotFound, "no run %.80q: name %s; \"tenon run list\" shows the runs", ref, runReference)
	case 1:
		return store.Run(ctx, found[0].ID)
	}
	ids := make([]string, 0, 3)
	for _, r := range found[:min(3, len(found))] {
		ids = append(ids, r.ID)
	}
	if len(found) > 3 {
		ids = append(ids, "...")
	}
	return metadata.Run{}, usagef("%.80q may be several runs, %s: name one by its ID, or enough of it", ref, strings.Join(ids, ", "))
}

// splitElement splits "score[3]" into the step and the index of the element; nil if there is none.
func splitElement(s string) (step string, index *int) {
	open := strings.LastIndexByte(s, '[')
	if open <= 0 || !strings.HasSuffix(s, "]") {
		return s, nil
	}
	n, digits := 0, s[open+1:len(s)-1]
	if digits == "" || len(digits) > 9 || strings.Trim(digits, "0123456789") != "" {
		return s, nil
	}
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return s[:open], &n
}

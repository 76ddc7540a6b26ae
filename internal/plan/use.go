package plan

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

// Catalog finds named artifacts. A [metadata.Store] is one.
type Catalog interface {
	Version(ctx context.Context, name string, version int) (metadata.Version, error)
	Artifact(ctx context.Context, id string) (metadata.Artifact, error)
	Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error)
	Names(ctx context.Context, prefix string, c metadata.Cursor) (metadata.Page[metadata.Version], error)
}

// pinUses finds every named artifact that the graph uses, each once, so that the whole run sees the same version.
func (r Request) pinUses(ctx context.Context) ([]Use, error) {
	var uses []Use
	for _, name := range r.Program.Graph.Uses() {
		if i := slices.IndexFunc(r.Pinned, func(u Use) bool { return u.Name == name }); i >= 0 {
			uses = append(uses, r.Pinned[i])
			continue
		}
		use, err := pinUse(ctx, name, r.Catalog)
		if err != nil {
			return nil, component.Errorf(component.CodeOf(err), "use artifact %s: %w", name, err)
		}
		uses = append(uses, use)
	}
	return uses, nil
}

func pinUse(ctx context.Context, name string, c Catalog) (Use, error) {
	n, err := ref.ParseNamed(name)
	if err != nil {
		return Use{}, component.Errorf(component.Invalid, "%w", err)
	}
	if c == nil {
		return Use{}, component.Errorf(component.FailedPrecondition, "there is no metadata store to find it in")
	}
	v, a, err := find(ctx, n, c)
	if err != nil {
		return Use{}, err
	}
	return Use{Name: name, Version: v.Version, Artifact: a.ID, Record: a.Record}, nil
}

func find(ctx context.Context, n ref.Named, c Catalog) (v metadata.Version, a metadata.Artifact, err error) {
	v, err = c.Version(ctx, n.Name, n.Version)
	if err == nil {
		a, err = c.Artifact(ctx, v.Artifact) // which may have been deleted in between
	}
	if errors.Is(err, component.ErrNotFound) {
		err = missing(ctx, n, c)
	}
	return v, a, err
}

// shown is how many alternatives an error names.
const shown = 10

// missing says what there is instead of an artifact that does not exist.
func missing(ctx context.Context, n ref.Named, c Catalog) error {
	versions, err := c.Artifacts(ctx, metadata.ArtifactQuery{Name: n.Name, Cursor: metadata.Cursor{Limit: shown}})
	if err != nil {
		return err
	}
	if list := versionsOf(n.Name, versions); list != "" {
		return component.Errorf(component.NotFound, "there is no such version; there is %s", list)
	}
	pipeline, _, _ := strings.Cut(n.Name, "/")
	names, err := c.Names(ctx, pipeline+"/", metadata.Cursor{Limit: shown})
	if err != nil {
		return err
	}
	if list := namesOf(names); list != "" {
		return component.Errorf(component.NotFound, "no run of pipeline %s has made it; there is %s", pipeline, list)
	}
	return component.Errorf(component.NotFound, "no run of pipeline %s has made a named artifact yet: run it first; its results are named when it succeeds, but for lists that pipeline.Gather made", pipeline)
}

func versionsOf(name string, page metadata.Page[metadata.Artifact]) string {
	var list []string
	for _, a := range page.Items {
		for _, v := range a.Versions {
			if v.Name == name {
				list = append(list, strconv.Itoa(v.Version))
			}
		}
	}
	return joined(list, page.Next != "")
}

func namesOf(page metadata.Page[metadata.Version]) string {
	list := make([]string, len(page.Items))
	for i, v := range page.Items {
		list[i] = v.Name
	}
	return joined(list, page.Next != "")
}

func joined(list []string, more bool) string {
	if more {
		list = append(list, "...")
	}
	return strings.Join(list, ", ")
}

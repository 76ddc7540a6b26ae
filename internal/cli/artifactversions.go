package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
)

// resultName is a flag with the name of an artifact that has versions.
type resultName struct{ value *string }

func (r *resultName) String() string { return "" }
func (r *resultName) Type() string   { return "string" }

func (r *resultName) Set(s string) error {
	var name string
	if err := (&filled{&name, 1000}).Set(s); err != nil {
		return err
	}
	if strings.Contains(name, "@") {
		return errors.New("all versions are listed: leave out what begins with @")
	}
	if _, err := ref.ParseNamed(name); err != nil {
		return errors.New("write it as PIPELINE/RESULT, such as penguins/Model")
	}
	*r.value = name
	return nil
}

// versionGrid lists the versions of one name, each with the first artifact that it was given to.
func (c *cli) versionGrid(b *strings.Builder, name string, items []metadata.Artifact) {
	if len(items) == 0 {
		b.WriteString("no artifact is named " + oneLine(name) + ": the results of runs that succeeded are\n")
		return
	}
	g := grid{columns: []column{{title: "VERSION", right: true}, {title: "VALUE", flex: true}, {title: "SIZE", right: true}, {title: "RUN"}, {title: "ARTIFACT", minor: true}, {title: "CREATED", minor: true}}}
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = items[i].ID
	}
	ids = shortIDs(ids)
	for i, a := range items {
		at := slices.IndexFunc(a.Versions, func(v metadata.Version) bool { return v.Name == name })
		if at < 0 { // a version that was forgotten since
			continue
		}
		v := a.Versions[at]
		g.add(text(strconv.Itoa(v.Version)), text(brief(a.Record)), text(size(a.Record.Size)), cell{shortID(a.Run), dim}, cell{ids[i], dim}, cell{ago(v.Created, c.now()), dim})
	}
	g.write(b, c.out)
}

// completeNames offers the names of artifacts that have versions.
func (c *cli) completeNames(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return c.offer(cmd, func(ctx context.Context, store metadata.Store) []string {
		return slices.DeleteFunc(resultNamesOf(ctx, store), func(name string) bool { return !strings.HasPrefix(name, toComplete) })
	})
}

// resultNamesOf returns the names of the results of pipelines that ran lately, each pipeline by its newest run that succeeded.
func resultNamesOf(ctx context.Context, store metadata.Store) []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range recentRuns(ctx, store, offered) {
		if seen[r.Pipeline] || r.State != metadata.RunSucceeded {
			continue
		}
		seen[r.Pipeline] = true
		r, err := store.Run(ctx, r.ID)
		if err != nil {
			continue
		}
		for name, rec := range r.Outputs {
			if rec.Codec != artifact.GatherCodec { // the elements are artifacts, their list is none
				names = append(names, r.Pipeline+"/"+name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// completeVersions offers, behind the name of an artifact and "@", its versions.
func completeVersions(ctx context.Context, store metadata.Store, name string) []string {
	page, err := store.Artifacts(ctx, metadata.ArtifactQuery{Name: name, Cursor: metadata.Cursor{Limit: offered}})
	if err != nil {
		return nil
	}
	var found []string
	for i, a := range page.Items {
		for _, v := range a.Versions {
			if v.Name != name {
				continue
			}
			if i == 0 {
				found = append(found, name+"@latest\t"+brief(a.Record))
			}
			found = append(found, name+"@"+strconv.Itoa(v.Version)+"\t"+brief(a.Record))
		}
	}
	return found
}

package command_test

import (
	"embed"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/command"
)

//go:embed testdata/lib
var lib embed.FS

func TestEmbedded(t *testing.T) {
	t.Parallel()
	files := command.Embedded(lib)
	want := []string{"testdata/lib/a.txt", "testdata/lib/sub/b.txt"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Error(diff)
	}
	spec := deed("copy", "testdata/lib/sub/b.txt", "{out}")
	spec.Files = files
	text, err := command.Run[artifact.Ref[string]](t.Context(), command.With(spec, struct{}{}))
	if err != nil || text.Value() != "b\n" {
		t.Errorf("it is %q, %v", text.Value(), err)
	}
}

package doccheck

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/artifacttest"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	orchestratorlocal "github.com/tenon-ml/tenon/orchestrator/local"
	"github.com/tenon-ml/tenon/stack"
)

// What follows is quoted by docs/stacks.md.

// Config is what a stack file can say about the store.
type Config struct {
	Path string `yaml:"path" doc:"directory of the content; a relative one is in the state directory"`
}

// Validate is called before anything is opened.
func (c *Config) Validate() error {
	if c.Path == "" {
		return errors.New("path: must be set")
	}
	return nil
}

// Flavor is the artifact store "audited", with its defaults.
var Flavor = component.New("audited", artifact.Kind, Config{Path: "audited"}, open).WithDoc("a local store that logs what it stores")

func open(_ context.Context, c Config, env component.Env) (artifact.Store, error) {
	path := c.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Home, path)
	}
	store, err := local.Open(path)
	if err != nil {
		return nil, err
	}
	return &audited{store, env.Logger}, nil
}

type audited struct {
	artifact.Store
	log *slog.Logger
}

func (a *audited) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	info, err := a.Store.Put(ctx, r)
	if err == nil {
		a.log.InfoContext(ctx, "stored", "digest", info.Digest, "size", info.Size)
	}
	return info, err
}

func TestStore(t *testing.T) {
	artifacttest.Run(t, artifacttest.Harness{
		Open: func(t *testing.T) artifact.Store {
			store, err := open(t.Context(), Config{Path: t.TempDir()}, component.Env{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		StreamSize: 1 << 20,
	})
}

// TestStackFile: the file that docs/stacks.md shows is a stack of its flavor.
func TestStackFile(t *testing.T) {
	t.Parallel()
	blocks := split(pages(t)[filepath.Join(root, "docs", "stacks.md")], "yaml").blocks
	if len(blocks) != 1 {
		t.Fatalf("docs/stacks.md has %d blocks of YAML, want one", len(blocks))
	}
	spec, err := stack.Parse([]byte(blocks[0]), "docs/stacks.md")
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate([]component.Flavor{local.Flavor, orchestratorlocal.Flavor, Flavor}); err != nil {
		t.Error(err)
	}
}

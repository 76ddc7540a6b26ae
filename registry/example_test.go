package registry_test

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/registry"
	"github.com/tenon-ml/tenon/secrets"
)

// fixed is a registry with one login.
type fixed struct {
	repository string
	login      registry.Credentials
}

func (fixed) Capabilities() registry.Capabilities { return registry.Capabilities{Shared: true} }
func (r fixed) Repository() string                { return r.repository }
func (r fixed) Credentials(context.Context, string) (registry.Credentials, error) {
	return r.login, nil
}
func (fixed) Prepare(context.Context, string) error { return nil } // pushing makes it
func (fixed) Close() error                          { return nil }

// An implementation of the kind, made into a flavor.
func ExampleRegistry() {
	type Config struct {
		Repository string         `yaml:"repository" doc:"host and path below which images are kept"`
		Username   string         `yaml:"username"`
		Password   secrets.Secret `yaml:"password"`
	}
	defaults := Config{Repository: "registry.example.com/ml", Username: "ada", Password: secrets.New("correct horse")}
	flavor := component.New("fixed", registry.Kind, defaults,
		func(_ context.Context, c Config, _ component.Env) (registry.Registry, error) {
			return fixed{c.Repository, registry.Credentials{Username: c.Username, Password: c.Password}}, nil
		})

	ctx := context.Background()
	r, err := component.Open(ctx, flavor, registry.Kind, flavor.Config(), component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	login, err := r.Credentials(ctx, r.Repository()+"/penguins")
	fmt.Println(r.Repository(), login.Username, login.Password, err)
	// Output: registry.example.com/ml ada [redacted] <nil>
}

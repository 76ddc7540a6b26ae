package secrets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/secrets"
)

func ExampleSecret() {
	login := struct {
		User     string         `json:"user"`
		Password secrets.Secret `json:"password"`
	}{"ada", secrets.New("correct horse")}

	text, _ := json.Marshal(login)
	fmt.Printf("%v\n%+v\n%s\n", login.Password, login, text)
	fmt.Println(len(login.Password.Reveal()), "characters")
	// Output:
	// [redacted]
	// {User:ada Password:[redacted]}
	// {"user":"ada","password":"[redacted]"}
	// 13 characters
}

// environment is a manager that reads environment variables.
type environment struct{ prefix string }

func (environment) Capabilities() secrets.Capabilities { return secrets.Capabilities{} }

func (e environment) Get(_ context.Context, name string) (secrets.Secret, error) {
	variable := e.prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	content, ok := os.LookupEnv(variable)
	if !ok {
		return secrets.Secret{}, component.Errorf(component.NotFound, "secret %q: set the environment variable %s", name, variable)
	}
	return secrets.New(content), nil
}

func (environment) Put(context.Context, string, secrets.Secret) error { return errReadOnly() }
func (environment) Delete(context.Context, string) error              { return errReadOnly() }
func (environment) List(context.Context, string, int) ([]string, error) {
	return nil, component.Errorf(component.Unsupported, "environment variables are not listed")
}
func (environment) Close() error { return nil }

func errReadOnly() error {
	return component.Errorf(component.Unsupported, "environment variables are only read")
}

// An implementation of the kind, made into a flavor.
func ExampleManager() {
	type Config struct {
		Prefix string `yaml:"prefix" doc:"of the variables' names"`
	}
	flavor := component.New("env", secrets.Kind, Config{Prefix: "EXAMPLE_SECRET_"},
		func(_ context.Context, c Config, _ component.Env) (secrets.Manager, error) {
			return environment{c.Prefix}, nil
		})

	ctx := context.Background()
	manager, err := component.Open(ctx, flavor, secrets.Kind, flavor.Config(), component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close()
	_, err = manager.Get(ctx, "mlflow-token")
	fmt.Println(err)
	// Output: secret "mlflow-token": set the environment variable EXAMPLE_SECRET_MLFLOW_TOKEN
}

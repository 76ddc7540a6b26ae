package component_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// A kind is named once, beside its interface.
var greeters = component.NewKind[io.Reader]("greeter")

// Config is what a file can say about a component.
type Config struct {
	Name string `yaml:"name" doc:"who is greeted"`
}

// Validate is called before anything is opened.
func (c *Config) Validate() error {
	if c.Name == "" {
		return errors.New("name: must be set")
	}
	return nil
}

func open(_ context.Context, c Config, _ component.Env) (io.Reader, error) {
	return strings.NewReader("hello " + c.Name), nil
}

func ExampleNew() {
	flavor := component.New("polite", greeters, Config{Name: "world"}, open).WithDoc("greets somebody")

	config := flavor.Config() // the defaults; package stack decodes YAML over them
	if err := flavor.Validate(config); err != nil {
		fmt.Println(err)
		return
	}
	greeter, err := component.Open(context.Background(), flavor, greeters, config, component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := io.ReadAll(greeter)
	fmt.Printf("%s %s: %s\n", flavor.Kind(), flavor.Name(), text)
	// Output: greeter polite: hello world
}

func ExampleCodeOf() {
	err := component.Errorf(component.NotFound, "bucket %q is not there", "models")
	err = fmt.Errorf("open store: %w", err)

	fmt.Println(err)
	fmt.Println(errors.Is(err, component.ErrNotFound), component.CodeOf(err))
	fmt.Println(component.CodeOf(context.DeadlineExceeded))
	// Output:
	// open store: bucket "models" is not there
	// true not found
	// deadline exceeded
}

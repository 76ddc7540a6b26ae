package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/source/location"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// preflight finds bad input that shows only with the graph, before the state directory is touched. The client looks again.
func (c *cli) preflight(ctx context.Context, program *graph.Program, config pipeline.RunConfig, in input) error {
	if err := configuredSteps(program.Graph, config, in.file); err != nil {
		return usage(err)
	}
	if err := namedSources(program, in.params); err != nil {
		return usage(err)
	}
	if config.Stack == "" || config.Stack == stack.DefaultName {
		return nil
	}
	return c.withClient(ctx, func(client Client) error {
		if _, err := stackNamed(ctx, client.Metadata(), config.Stack); err != nil {
			return usage(err)
		}
		return nil
	})
}

// configuredSteps refuses configuration for steps that do not exist.
func configuredSteps(g *graph.Graph, config pipeline.RunConfig, file strictyaml.Node) error {
	names := make([]string, len(g.Nodes))
	for i := range g.Nodes {
		names[i] = g.Nodes[i].Name
	}
	var errs []error
	for name := range config.Steps {
		if name != "*" && !slices.Contains(names, name) {
			errs = append(errs, placed(file, fmt.Errorf("steps: %s: pipeline %s has no such step: %s", name, g.Pipeline, strictyaml.Suggest(name, names))))
		}
	}
	return strictyaml.Join(errs...)
}

// namedSources refuses sources that are malformed, and files that do not exist.
func namedSources(program *graph.Program, params any) error {
	for i, b := range program.Bindings {
		for _, s := range b.Sources {
			if s.Slot.Data != nil {
				continue
			}
			l, err := location.Parse(s.Slot.URI)
			if err == nil && l.Kind == location.File {
				if _, missing := os.Stat(l.Path); errors.Is(missing, os.ErrNotExist) {
					err = fmt.Errorf("source %s: no such file: name a file or directory that exists", l)
				}
			}
			switch name := parameterOf(params, s.Slot.URI); {
			case err == nil:
			case name != "":
				return fmt.Errorf("parameter %s: %w", name, err)
			default:
				return fmt.Errorf("step %s: field %s: %w", program.Graph.Nodes[i].Name, s.Field, err)
			}
		}
	}
	return nil
}

// parameterOf returns the name of the parameter that names a source, if it is one of its own.
func parameterOf(params any, uri string) string {
	v := reflect.ValueOf(params).Elem()
	for _, f := range strictyaml.Fields(v.Type()) {
		field, err := v.FieldByIndexErr(f.Index)
		if err != nil {
			continue
		}
		if s, ok := field.Interface().(artifact.Source); ok && s.URI() == uri {
			return f.Name
		}
	}
	return ""
}

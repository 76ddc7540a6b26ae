package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/pipeline"
)

// inputOptions are the flags that say what a pipeline works on.
type inputOptions struct {
	set    []setting
	config string
}

func (o *inputOptions) flags(flags *pflag.FlagSet) {
	flags.Var(&settings{&o.set}, "set", "set a parameter, as `name=value`; may be repeated")
	flags.Var(&filled{&o.config, 4096}, "config", "YAML `file` with the run's configuration and its params; - reads standard input")
}

// pipelineNamed returns one of the program's pipelines.
func (c *cli) pipelineNamed(name string) (pipeline.Definition, error) {
	for _, p := range c.app.Pipelines {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, usage(unknown("pipeline", name, c.pipelineNames()))
}

func (c *cli) pipelineNames() []string {
	names := make([]string, len(c.app.Pipelines))
	for i, p := range c.app.Pipelines {
		names[i] = p.Name()
	}
	return names
}

// choose returns the pipeline that the arguments name. With only one in the program the name may be left out.
func (c *cli) choose(cmd *cobra.Command, args []string) (pipeline.Definition, error) {
	switch {
	case len(args) > 0 && c.looksAtRuns(args[0]):
		return nil, usagef("to look at runs that were, write \"tenon run %s\"", strings.Join(args, " "))
	case len(args) > 1:
		return nil, usagef("%s: unexpected argument %.40q: name one pipeline", cmd.CommandPath(), args[1])
	case len(args) == 1:
		return c.pipelineNamed(args[0])
	case len(c.app.Pipelines) == 1:
		return c.app.Pipelines[0], nil
	}
	path := cmd.CommandPath()
	if !cmd.HasParent() {
		path += " run"
	}
	return nil, usagef("which pipeline? write \"%s NAME\" with one of %s", path, strings.Join(c.pipelineNames(), ", "))
}

// looksAtRuns reports whether the argument of "run" is a command of "tenon run", and no pipeline.
func (c *cli) looksAtRuns(arg string) bool {
	return slices.Contains([]string{"list", "show", "logs", "delete", "cancel", "resume", "replay", "approve", "reject", "diff"}, arg) && !slices.Contains(c.pipelineNames(), arg)
}

// nameArgument is how usage shows the name of a pipeline.
func (c *cli) nameArgument() string {
	if len(c.app.Pipelines) == 1 {
		return ""
	}
	return " NAME"
}

// nameExample is how examples show it.
func (c *cli) nameExample() string {
	if len(c.app.Pipelines) == 1 {
		return ""
	}
	return " " + c.app.Pipelines[0].Name()
}

const configLimit = 1 << 20 // bytes of a configuration file: more is a mistake

// input is what a pipeline works on.
type input struct {
	params any // pointer to the parameters
	config pipeline.RunConfig
	file   strictyaml.Node // that --config named
}

// input makes the parameters of a pipeline and reads the run configuration: Go defaults, then the file, then --set.
func (c *cli) input(p pipeline.Definition, o *inputOptions) (input, error) {
	return c.inputOver(p.NewParams(), o)
}

// inputOver is input, over parameters that there are.
func (c *cli) inputOver(params any, o *inputOptions) (input, error) {
	in := input{params: params}
	if o.config != "" {
		data, err := c.readFile("--config", o.config)
		if err != nil {
			return in, err
		}
		if err := in.decode(data, sourceName(o.config)); err != nil {
			return in, usage(err)
		}
	}
	for _, s := range o.set {
		if err := strictyaml.Set(in.params, s.name, s.value); err != nil {
			return in, usage(fmt.Errorf("--set %w", err))
		}
	}
	return in, nil
}

// configFile is a file for --config.
type configFile struct {
	pipeline.RunConfig
	Params strictyaml.Node `yaml:"params"`
}

// decode reads a file for --config. What it says of the parameters is decoded over those that there are.
func (in *input) decode(data []byte, name string) (err error) {
	if in.file, err = strictyaml.Parse(data, name); err != nil {
		return err
	}
	var file configFile
	if err := in.file.Decode(&file); err != nil {
		return err
	}
	if err := file.Validate(); err != nil {
		return placed(in.file, err)
	}
	in.config = file.RunConfig
	return file.Params.Decode(in.params)
}

// placed returns an error at the place in the document of the fields that it begins with, such as "steps: train: timeout: ...".
func placed(n strictyaml.Node, err error) error {
	text := err.Error()
	for {
		field, rest, more := strings.Cut(text, ": ")
		child, found := n.At(field)
		if !more || !found {
			return n.Errorf("%s", text)
		}
		n, text = child, rest
	}
}

// sourceName is how errors in a file call it.
func sourceName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// readFile reads a file that a flag names, or standard input for "-".
func (c *cli) readFile(flag, name string) ([]byte, error) {
	r := c.app.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, usage(unwrapPath(flag+" "+name, err))
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, configLimit+1))
	if err != nil {
		return nil, usage(unwrapPath(flag+" "+name, err))
	}
	if len(data) > configLimit {
		return nil, usagef("%s %s: the file is larger than %s: is it the right one?", flag, name, size(configLimit))
	}
	return data, nil
}

// unwrapPath shortens "open x: no such file" to what a person wants to know.
func unwrapPath(name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

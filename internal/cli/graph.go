package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) graphCommand() *cobra.Command {
	var o struct {
		input  inputOptions
		format string
	}
	p := c.app.Program + " graph" + c.nameExample()
	cmd := &cobra.Command{
		Use:               "graph" + c.nameArgument() + " [flags]",
		Short:             "Print the graph of a pipeline",
		Long:              "Print the graph of a pipeline: its steps with their parameters, inputs and outputs. Nothing runs.",
		Example:           p + "\n" + p + " --format mermaid\n" + p + " --format dot | dot -Tsvg > graph.svg\n" + p + " --format json --set name=value",
		ValidArgsFunction: once(c.completePipelines),
		RunE: func(cmd *cobra.Command, args []string) error {
			def, err := c.choose(cmd, args)
			if err != nil {
				return err
			}
			in, err := c.input(def, &o.input)
			if err != nil {
				return err
			}
			program, err := def.Build(in.params)
			if err != nil {
				return err
			}
			var out string
			switch o.format {
			case "json":
				return writeJSON(c.out.w, program.Graph)
			case "dot":
				out = program.Graph.DOT()
			case "mermaid":
				out = program.Graph.Mermaid()
			default:
				width, _ := c.out.size()
				lines := strings.Split(program.Graph.Text(), "\n")
				for i := range lines {
					lines[i] = fit(lines[i], width)
				}
				out = strings.Join(lines, "\n")
			}
			_, err = io.WriteString(c.out.w, out)
			return err
		},
	}
	cmd.DisableFlagsInUseLine = true
	o.input.flags(cmd.Flags())
	formats := []string{"text", "json", "dot", "mermaid"}
	cmd.Flags().Var(&choice{&o.format, formats}, "format", "`form`: text, json, dot or mermaid (default text)")
	cmd.Flags().VarP(&choice{&o.format, formats}, "output", "o", "the same as --format")
	return cmd
}

package cli

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/internal/jsonfloat"
	"github.com/tenon-ml/tenon/internal/strictyaml"
	"github.com/tenon-ml/tenon/pipeline"
)

// paramList is what -o json prints of the parameters of a pipeline.
type paramList struct {
	Pipeline string      `json:"pipeline"`
	Doc      string      `json:"doc,omitempty"`
	Params   []paramView `json:"params"`
}

type paramView struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Default any    `json:"default"`
	Doc     string `json:"doc,omitempty"`
}

func (c *cli) paramsCommand() *cobra.Command {
	var f format
	p := c.app.Program + " params" + c.nameExample()
	cmd := &cobra.Command{
		Use:               "params" + c.nameArgument() + " [flags]",
		Short:             "List the parameters of a pipeline",
		Long:              "List the parameters of a pipeline, with their types, defaults and what they mean. Set them with --set name=value, or\nunder params: in a file for --config.",
		Example:           p + "\n" + p + " -o json",
		ValidArgsFunction: once(c.completePipelines),
		RunE: func(cmd *cobra.Command, args []string) error {
			def, err := c.choose(cmd, args)
			if err != nil {
				return err
			}
			list := paramsOf(def)
			return c.show(f, list, func(b *strings.Builder) {
				if len(list.Params) == 0 {
					b.WriteString("pipeline " + list.Pipeline + " has no parameters\n")
					return
				}
				c.paramGrid(b, "", list.Params)
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.add(cmd.Flags())
	return cmd
}

func paramsOf(p pipeline.Definition) paramList {
	return paramList{Pipeline: p.Name(), Doc: p.Doc(), Params: fieldList(p.NewParams())}
}

// fieldList lists what can be set in a struct, to which v points.
func fieldList(v any) []paramView {
	list := []paramView{}
	defaults := reflect.ValueOf(v).Elem()
	for _, f := range strictyaml.Fields(defaults.Type()) {
		value, err := defaults.FieldByIndexErr(f.Index)
		view := paramView{Name: f.Name, Type: typeName(f.Type), Doc: f.Doc}
		if err == nil {
			view.Default = strictyaml.Plain(value.Interface())
			if f, ok := view.Default.(float64); ok {
				view.Default = jsonfloat.Float(f)
			}
		}
		list = append(list, view)
	}
	return list
}

// typeName is a Go type for people: without the names of packages.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "[]" + typeName(t.Elem())
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Map:
		return "map[" + typeName(t.Key()) + "]" + typeName(t.Elem())
	}
	if t.PkgPath() != "" {
		return strings.ToLower(t.Name())
	}
	return t.String()
}

// defaultText is a default as --set takes it.
func (p paramView) defaultText() string {
	switch v := p.Default.(type) {
	case nil:
		return ""
	case string:
		return oneLine(v)
	}
	text, err := json.Marshal(p.Default)
	if err != nil { // NaN and infinities
		return fmt.Sprint(p.Default)
	}
	return oneLine(string(text))
}

func (c *cli) paramGrid(b *strings.Builder, indent string, list []paramView) {
	g := grid{indent: indent, columns: []column{{title: "NAME"}, {title: "TYPE", flex: true}, {title: "DEFAULT", flex: true}, {title: "MEANING", flex: true, wrap: true}}}
	for _, p := range list {
		g.add(cell{p.Name, cyan}, cell{p.Type, dim}, text(p.defaultText()), text(oneLine(p.Doc)))
	}
	g.write(b, c.out)
}

func (c *cli) programShort() string {
	if len(c.app.Pipelines) == 1 {
		return "Run the pipeline " + c.app.Pipelines[0].Name()
	}
	return "Run the pipelines of this program"
}

// programLong is the help of a program: its pipelines and their parameters.
func (c *cli) programLong() string {
	var b strings.Builder
	if len(c.app.Pipelines) > 1 {
		b.WriteString("Run one of the pipelines of this program:\n\n")
		g := grid{indent: "  ", columns: []column{{}, {flex: true, wrap: true}}}
		for _, p := range c.app.Pipelines {
			g.add(cell{p.Name(), cyan}, text(oneLine(p.Doc())))
		}
		g.write(&b, c.out)
		b.WriteString("\nWhat a pipeline computed is kept, and not computed again. \"" + c.app.Program + " params NAME\" lists the parameters of one.")
		return b.String()
	}
	p := c.app.Pipelines[0]
	b.WriteString("Run the pipeline " + p.Name())
	if doc := oneLine(p.Doc()); doc != "" {
		b.WriteString(": " + doc)
	}
	b.WriteString("\n\nWithout a command it runs. What it computed is kept, and not computed again.")
	if list := paramsOf(p); len(list.Params) > 0 {
		b.WriteString("\n\n" + c.out.paint(bold, "Parameters") + "\n")
		c.paramGrid(&b, "  ", list.Params)
	}
	return b.String()
}

func (c *cli) programExamples() string {
	p, name := c.app.Program, c.nameExample()
	lines := []string{p}
	if name != "" {
		lines = []string{p + " run" + name}
	}
	if example := c.setExample(); example != "" {
		lines = append(lines, p+" run"+name+" --set "+example)
	}
	lines = append(lines, p+" run"+name+" --config nightly.yaml --name nightly", p+" graph"+name)
	return strings.Join(lines, "\n")
}

func (c *cli) runExamples() string {
	p := c.app.Program + " run" + c.nameExample()
	lines := []string{p}
	if example := c.setExample(); example != "" {
		lines = append(lines, p+" --set "+example)
	}
	return strings.Join(append(lines, p+" --config nightly.yaml --tag team=vision", p+" --no-cache --parallel 4", p+" -o json > run.json"), "\n")
}

// setExample is a --set that would work: of the first parameter that has a default.
func (c *cli) setExample() string {
	for _, p := range paramsOf(c.app.Pipelines[0]).Params {
		switch p.Default.(type) {
		case string, bool, nil:
			continue
		}
		if text := p.defaultText(); len(text) < 20 && !strings.ContainsAny(text, "{[") {
			return p.Name + "=" + text
		}
	}
	return ""
}

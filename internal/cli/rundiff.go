package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) runDiffCommand() *cobra.Command {
	var (
		f    format
		pipe string
		all  bool
	)
	cmd := &cobra.Command{
		Use:   "diff RUN RUN [flags]",
		Short: "Compare two runs: parameters, code, inputs, results",
		Long: "Compare two runs side by side: their parameters, the code and the configuration of their steps, the content of their\n" +
			"inputs, how the steps ended, metrics and results. Only what differs is shown, unless --all asks for the rest.\n\n" +
			"The exit code is 0 whether or not they differ.",
		Example:           "tenon run diff nightly-1 nightly-2\ntenon run diff 0199f3c2-7a1b LAST --all\ntenon run diff nightly-1 LAST -o json",
		Args:              arguments(2, 2, "two runs"),
		ValidArgsFunction: c.completeTwoRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				var sides [2]side
				for i, ref := range args {
					run, err := findRun(cmd.Context(), client.Metadata(), ref, pipe)
					if err == nil {
						sides[i], err = readSide(cmd.Context(), client.Metadata(), run)
					}
					if err != nil {
						return err
					}
				}
				view := diffOf(sides[0], sides[1], all)
				return c.show(f, view, func(b *strings.Builder) { c.diffText(b, view, sides, all) })
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&pipe, 200}, "pipeline", "look only among runs of the pipeline with this `name`")
	cmd.Flags().BoolVar(&all, "all", false, "show what is the same, too")
	f.add(cmd.Flags())
	return cmd
}

// completeTwoRuns offers runs for two arguments.
func (c *cli) completeTwoRuns(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.completeRuns(cmd, args, toComplete)
}

// side is one of the runs that are compared.
type side struct {
	runView
	plan plan.Plan
	made *codedoc.Code // what the code of the steps is made of
}

func readSide(ctx context.Context, store metadata.Store, run metadata.Run) (side, error) {
	view, err := readRun(ctx, store, run, false, true)
	if err != nil {
		return side{}, err
	}
	doc, err := store.Document(ctx, run.Plan)
	if err != nil {
		return side{}, fmt.Errorf("read the plan of run %s: %w", run.ID, err)
	}
	p, err := plan.Parse(doc.Body)
	if err != nil {
		return side{}, fmt.Errorf("run %s: %w", run.ID, err)
	}
	made, err := why.ReadCode(ctx, store, run)
	if err != nil {
		return side{}, err
	}
	s := side{view, *p, made}
	return s, s.borrowMetrics(ctx, store)
}

// borrowMetrics takes the metrics of cached steps from those that computed them, as far as they are still recorded.
func (s *side) borrowMetrics(ctx context.Context, store metadata.Store) error {
	for _, st := range s.Steps {
		if st.Origin == nil {
			continue
		}
		for m, err := range metadata.All(ctx, store.Metrics, metadata.MetricQuery{Run: st.Origin.Run, Step: st.Origin.Step}) {
			if err != nil {
				return err
			}
			if m.Index == st.Origin.Index {
				m.StepKey = st.StepKey
				s.addMetric(m)
			}
		}
	}
	return nil
}

// diffView is what differs between two runs as -o json prints it. The field names are stable.
type diffView struct {
	A       diffRun                       `json:"a"`
	B       diffRun                       `json:"b"`
	Differ  bool                          `json:"differ"`
	Params  []difference[json.RawMessage] `json:"params"`
	Code    []difference[codeView]        `json:"code"`
	Decls   []declDiff                    `json:"declarations"`
	Config  []difference[json.RawMessage] `json:"config"`
	Inputs  []difference[inputView]       `json:"inputs"`
	Steps   []difference[endView]         `json:"steps"`
	Metrics []difference[metricView]      `json:"metrics"`
	Results []difference[artifact.Record] `json:"results"`
}

// diffRun names a run.
type diffRun struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Pipeline string            `json:"pipeline"`
	State    metadata.RunState `json:"state"`
	Seconds  float64           `json:"duration_seconds"`
}

// codeView is the code of a step.
type codeView struct {
	Fingerprint string `json:"fingerprint"`
	Mode        string `json:"mode"` // what it was made from
	Func        string `json:"func"`
}

// inputView is the content that a step read.
type inputView struct {
	Digest  artifact.Digest `json:"digest"`
	URI     string          `json:"uri,omitempty"`     // of a source
	Version int             `json:"version,omitempty"` // of a named artifact
}

// endView is how a step ended.
type endView struct {
	State    metadata.StepState `json:"state"`
	Seconds  float64            `json:"duration_seconds"`
	Attempts int                `json:"attempts"`
	Elements int                `json:"elements,omitempty"`
	Error    string             `json:"error,omitempty"`
}

func diffOf(a, b side, all bool) diffView {
	v := diffView{A: a.named(), B: b.named()}
	raw := func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }
	v.Params = compare(fieldsOf("", "", a.Params), fieldsOf("", "", b.Params), all, raw)
	v.Code = compare(a.code(), b.code(), all, func(a, b codeView) bool { return a.Fingerprint == b.Fingerprint })
	v.Decls = declDiffs(a, b, v.Code)
	v.Config = compare(a.config(), b.config(), all, raw)
	v.Inputs = compare(a.inputs(), b.inputs(), all, func(a, b inputView) bool { return a == b })
	v.Steps = compare(a.ends(), b.ends(), all, func(a, b endView) bool {
		return a.State == b.State && a.Elements == b.Elements && a.Error == b.Error
	})
	v.Metrics = compare(a.metrics(), b.metrics(), all, func(a, b metricView) bool { return sameFloat(a.Last, b.Last) })
	v.Results = compare(a.results(), b.results(), all, func(a, b artifact.Record) bool { return a.Digest == b.Digest })
	v.Differ = differ(v.Params)+differ(v.Code)+differ(v.Config)+differ(v.Inputs)+differ(v.Steps)+differ(v.Metrics)+differ(v.Results) > 0
	return v
}

func (s side) named() diffRun { return diffRun{s.ID, s.Name, s.Pipeline, s.State, s.Seconds} }

func (s side) code() []trait[codeView] {
	var all []trait[codeView]
	for _, p := range s.plan.Steps {
		if p.Fingerprint != "" { // a step that waits for a person has no code
			all = append(all, trait[codeView]{step: p.Name, value: codeView{p.Fingerprint, p.Mode, p.Func}})
		}
	}
	return all
}

// config returns what decides how steps run: the stack, the build, what was said of the whole run, and of each step.
func (s side) config() []trait[json.RawMessage] {
	all := []trait[json.RawMessage]{{name: "stack", value: jsonString(s.Stack)}}
	for _, setting := range s.plan.Build {
		name, value, _ := strings.Cut(setting, "=")
		all = append(all, trait[json.RawMessage]{name: "build." + name, value: jsonString(value)})
	}
	options, _ := json.Marshal(s.plan.Options) // it came from JSON, as the configurations did
	all = append(all, fieldsOf("", "", options)...)
	for _, p := range s.plan.Steps {
		config, _ := json.Marshal(p.Config)
		all = append(all, fieldsOf(p.Name, "", config)...)
	}
	return all
}

func jsonString(s string) json.RawMessage {
	text, _ := json.Marshal(s) // a string has a form
	return text
}

// inputs returns what steps read: what is recorded of them, and what was pinned for those that did not run.
func (s side) inputs() []trait[inputView] {
	var all []trait[inputView]
	for _, u := range s.plan.Uses {
		all = append(all, trait[inputView]{"", u.Name, inputView{Digest: u.Record.Digest, Version: u.Version}})
	}
	recorded := make(map[string][]metadata.Input, len(s.Steps))
	for _, st := range s.Steps {
		recorded[st.StepKey.Step] = st.Inputs
	}
	for _, p := range s.plan.Steps {
		known := map[string]bool{}
		for _, in := range recorded[p.Name] {
			known[in.Name] = true
			all = append(all, trait[inputView]{p.Name, in.Name, inputView{Digest: in.Digest, URI: in.URI}})
		}
		for _, pin := range p.Pins {
			if !known[pin.Field] {
				all = append(all, trait[inputView]{p.Name, pin.Field, inputView{Digest: artifact.Digest(pin.Digest), URI: pin.URI}})
			}
		}
	}
	return all
}

func (s side) ends() []trait[endView] {
	all := make([]trait[endView], len(s.Steps))
	for i, st := range s.Steps {
		all[i] = trait[endView]{step: st.StepKey.Step, value: endView{st.State, st.Seconds, st.Attempts, st.Elements, st.Error}}
	}
	return all
}

func (s side) metrics() []trait[metricView] {
	all := make([]trait[metricView], len(s.Metrics))
	for i, m := range s.Metrics {
		all[i] = trait[metricView]{elementName(m.Step, m.Index), m.Name, m}
	}
	return all
}

func (s side) results() []trait[artifact.Record] {
	var all []trait[artifact.Record]
	for _, name := range slices.Sorted(maps.Keys(s.Outputs)) {
		all = append(all, trait[artifact.Record]{name: name, value: s.Outputs[name]})
	}
	return all
}

// fieldsOf takes a JSON object apart, and the objects within it: "retry.attempts". Anything else is one field.
func fieldsOf(step, name string, data json.RawMessage) []trait[json.RawMessage] {
	var fields map[string]json.RawMessage
	if len(data) == 0 || data[0] == '{' && json.Unmarshal(data, &fields) != nil {
		return nil
	}
	if len(fields) == 0 {
		if name == "" && string(data) == "{}" {
			return nil
		}
		return []trait[json.RawMessage]{{step, name, data}}
	}
	var all []trait[json.RawMessage]
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		inner := k
		if name != "" {
			inner = name + "." + k
		}
		all = append(all, fieldsOf(step, inner, fields[k])...)
	}
	return all
}

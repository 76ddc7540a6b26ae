package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/logs"
	"github.com/tenon-ml/tenon/metadata"
)

func (c *cli) runLogsCommand() *cobra.Command {
	var (
		f           format
		pipe, level string
	)
	cmd := &cobra.Command{
		Use:   "logs RUN [STEP] [flags]",
		Short: "Print what the steps of a run logged",
		Long: "Print what the steps of a run logged, attempt by attempt. An element of a mapped step is STEP[3].\n\n" +
			"With -o json each line is one JSON object, which holds the record as it was logged.",
		Example:           "tenon run logs LAST\ntenon run logs LAST train --level warn\ntenon run logs LAST 'score[3]' -o json",
		Args:              arguments(1, 2, runReference),
		ValidArgsFunction: c.completeRunSteps,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withClient(cmd.Context(), func(client Client) error {
				run, err := findRun(cmd.Context(), client.Metadata(), args[0], pipe)
				if err != nil {
					return err
				}
				q := metadata.AttemptQuery{Run: run.ID}
				if len(args) == 2 {
					q.Step, q.Index = splitElement(args[1])
					if err := stepExists(cmd.Context(), client.Metadata(), run.ID, q.Step); err != nil {
						return err
					}
				}
				return c.printLogs(cmd.Context(), client, run, q, f, minLevel(level))
			})
		},
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().Var(&filled{&pipe, 200}, "pipeline", "look only among runs of the pipeline with this `name`")
	cmd.Flags().Var(&choice{&level, []string{"debug", "info", "warn", "error"}}, "level", "least `level` to print: debug, info, warn or error (default: all)")
	f.add(cmd.Flags())
	return cmd
}

func minLevel(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelDebug - 100
}

func stepExists(ctx context.Context, store metadata.Store, run, step string) error {
	page, err := store.Steps(ctx, metadata.StepQuery{Run: run, Step: step, Cursor: metadata.Cursor{Limit: 1}})
	if err != nil || len(page.Items) > 0 {
		return err
	}
	var known []string
	for s, err := range metadata.All(ctx, store.Steps, metadata.StepQuery{Run: run, NoElements: true}) {
		if err != nil {
			return err
		}
		known = append(known, s.Step)
	}
	return component.Errorf(component.NotFound, "run %s: %w", run, unknown("step", step, slices.Compact(known)))
}

// logRecord is a line of -o json.
type logRecord struct {
	Step    string          `json:"step"`
	Index   int             `json:"index"`
	Attempt int             `json:"attempt"`
	Record  json.RawMessage `json:"record"`
}

// printLogs streams the logs: they may be large.
func (c *cli) printLogs(ctx context.Context, client Client, run metadata.Run, q metadata.AttemptQuery, f format, least slog.Level) error {
	w := bufio.NewWriter(c.out.w)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	q.Limit = 100 // logs travel in attempts
	for a, err := range metadata.All(ctx, client.Metadata().Attempts, q) {
		if err != nil {
			return err
		}
		var store artifact.Store
		if slices.ContainsFunc(slices.Concat(a.Logs, a.Printed), func(l metadata.LogChunk) bool { return l.Inline == nil }) {
			if store, err = client.Artifacts(ctx, run.Stack); err != nil {
				return err
			}
		}
		for line, err := range logs.Merge(logs.Read(ctx, store, a.Logs), logs.Read(ctx, store, a.Printed)) {
			if err != nil {
				return err
			}
			if line.Level < least {
				continue
			}
			if f.json() {
				err = enc.Encode(logRecord{a.Step, a.Index, a.Number, line.JSON})
			} else {
				_, err = io.WriteString(w, c.logText(a, line))
			}
			if err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// logText is a record for people; further lines of a message are indented under the first.
func (c *cli) logText(a metadata.Attempt, line logs.Line) string {
	style := ""
	switch {
	case line.Level >= slog.LevelError:
		style = red
	case line.Level >= slog.LevelWarn:
		style = yellow
	case line.Level < slog.LevelInfo:
		style = dim
	}
	at := strings.Repeat(" ", len("15:04:05.000"))
	if !line.Time.IsZero() {
		at = line.Time.In(time.Local).Format("15:04:05.000")
	}
	text := strings.ReplaceAll(strings.TrimRight(plainText(line.Message), "\n"), "\n", "\n    ")
	return c.out.paint(dim, at) + " " + c.out.paint(style, pad(levelName(line.Level), 5)) + " " + c.out.paint(cyan, elementName(a.Step, a.Index)) + "  " + text + "\n"
}

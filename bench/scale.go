package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/pipeline"
)

// scaleRows are what people and programs do all day, in a home of very many runs and, as the baseline, in one with a single run.
func scaleRows(h *homes) []row {
	all := []row{
		inHomes(h, "open", "open and close a client", 30, openClient),
		inHomes(h, "lookup", "look up 1000 results in the cache", 10, lookUp),
		inHomes(h, "run", "a run of one step", 10, startRun),
		inHomes(h, "cached", "fully cached run of 1000 steps and elements", 3, cachedTeam),
	}
	for _, c := range []struct{ name, args string }{
		{"run-list", "run list"}, {"run-show", "run show LAST"}, {"run-logs", "run logs LAST report"}, {"artifact-list", "artifact list"},
		{"artifact-versions", "artifact list --name team/output"}, {"cache-list", "cache list"}, {"gc", "gc --dry-run"},
	} {
		all = append(all, inHomes(h, c.name, "tenon "+c.args, 10, command(c.args)))
	}
	// Each of its thousand rows goes to other pages of indexes by hash than the one before: a larger database has more of them to write.
	for i := range all {
		if all[i].name == "scale-cached" {
			all[i].budget = budget{}
		}
	}
	return append(all, row{
		name: "scale-disk", title: fmt.Sprintf("database of %d runs of 1000 attempts, an attempt", h.runs), unit: inBytes, show: amount,
		budget: budget{text: "2 kB", most: 2000}, measure: func(context.Context, string) (int64, error) {
			at, err := h.many()
			if err != nil {
				return 0, err
			}
			info, err := os.Stat(filepath.Join(at.dir, "tenon.db"))
			if err != nil {
				return 0, err
			}
			return info.Size() / int64(at.runs*1000), nil
		},
	})
}

// inHomes measures the same in both homes: the median of some repetitions.
func inHomes(h *homes, name, title string, repeat int, do func(context.Context, home) (time.Duration, error)) row {
	in := func(which func() (home, error)) measurement {
		return func(ctx context.Context, _ string) (int64, error) {
			at, err := which()
			if err != nil {
				return 0, err
			}
			var all []int64
			for range repeat {
				d, err := do(ctx, at)
				if err != nil {
					return 0, err
				}
				all = append(all, d.Nanoseconds())
			}
			return median(all), nil
		}
	}
	return row{
		name: "scale-" + name, title: title + fmt.Sprintf(", in a home of %d runs of 1000 attempts", h.runs), unit: nanoseconds, show: whole,
		budget: budget{text: "1.5 times one run's home", ratio: 1.5}, measure: in(h.many), baselines: []baseline{{"in a home of one run", in(h.few)}},
	}
}

func openClient(ctx context.Context, h home) (time.Duration, error) {
	return timed(func() error {
		client, err := tenon.Open(ctx, tenon.Config{Home: h.dir})
		if err != nil {
			return err
		}
		return client.Close()
	})
}

func lookUp(ctx context.Context, h home) (time.Duration, error) {
	return withClient(ctx, h, func(client *tenon.Client) error {
		found, err := client.Metadata().Lookup(ctx, h.keys)
		if err == nil && len(found) != len(h.keys) {
			err = fmt.Errorf("%d of %d results were found", len(found), len(h.keys))
		}
		return err
	})
}

// startRun measures a run as a service starts it: it has run others before.
func startRun(ctx context.Context, h home) (time.Duration, error) {
	return withClient(ctx, h, func(client *tenon.Client) error {
		run, err := hello.Run(ctx, client, struct{}{}, pipeline.RunConfig{NoCache: true})
		if err != nil {
			return err
		}
		_, err = run.Result(ctx)
		return err
	})
}

func cachedTeam(ctx context.Context, h home) (time.Duration, error) {
	return withClient(ctx, h, func(client *tenon.Client) error {
		run, err := team.Run(ctx, client, teamSize)
		if err != nil {
			return err
		}
		_, err = run.Result(ctx)
		return err
	})
}

// withClient measures what follows after a client was opened and has done the same once.
func withClient(ctx context.Context, h home, do func(*tenon.Client) error) (time.Duration, error) {
	client, err := tenon.Open(ctx, tenon.Config{Home: h.dir})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if err := do(client); err != nil {
		return 0, err
	}
	return timed(func() error { return do(client) })
}

// command measures a command of tenon from the start of its process to its end.
func command(args string) func(context.Context, home) (time.Duration, error) {
	return func(ctx context.Context, h home) (time.Duration, error) {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		cmd := exec.CommandContext(ctx, self, strings.Fields(args)...)
		cmd.Env = append(os.Environ(), taskEnv+"=tenon", "TENON_HOME="+h.dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("tenon %s: %w: %s", args, err, stderr.String())
		}
		return time.Since(began), nil
	}
}

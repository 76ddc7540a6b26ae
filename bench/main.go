package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	worker()
	if is, err := runChild(); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	names := flag.String("rows", "", "comma-separated rows to measure; empty: all")
	rounds := flag.Int("rounds", 3, "rounds of each row; the table shows the median")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *names, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, names string, rounds int) error {
	selected, err := choose(names)
	if err != nil {
		return err
	}
	if rounds < 1 {
		return fmt.Errorf("rounds: %d is less than 1", rounds)
	}
	fmt.Fprintf(out, "%s, %s/%s, %d CPUs, %s; median of %d rounds\n\n", time.Now().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), rounds)
	fmt.Fprintf(out, "| work | measured | budget | baseline in the same run | ratio |\n|---|---|---|---|---|\n")
	for _, r := range selected {
		line, err := r.line(ctx, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Fprintln(out, line)
	}
	return nil
}

func choose(names string) ([]row, error) {
	if names == "" {
		return rows(), nil
	}
	var selected []row
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("rows: unknown row %q", name)
		}
		selected = append(selected, rows()[i])
	}
	return selected, nil
}

// line measures work and baseline in turn, so that a machine that changes its speed changes both.
func (r row) line(ctx context.Context, rounds int) (string, error) {
	var work, base []time.Duration
	for range rounds {
		d, err := once(ctx, r.measure)
		if err != nil {
			return "", err
		}
		work = append(work, d)
		if r.baseline == nil {
			continue
		}
		if d, err = once(ctx, r.baseline); err != nil {
			return "", err
		}
		base = append(base, d)
	}
	baseline, ratio := "", ""
	if r.baseline != nil {
		baseline = fmt.Sprintf("%s (%s)", r.show(median(base)), r.baselineName)
		ratio = fmt.Sprintf("%.2f", float64(median(work))/float64(median(base)))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", r.title, r.show(median(work)), r.budget, baseline, ratio), nil
}

func once(ctx context.Context, fn func(context.Context, string) (time.Duration, error)) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "tenon-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return fn(ctx, dir)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"
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
	names := flag.String("rows", "", "comma-separated rows to measure, or patterns such as memory-*; empty: all")
	rounds := flag.Int("rounds", 3, "rounds of each row; the table shows the median")
	format := flag.String("o", "markdown", "what to print: markdown or json")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // what was made is removed all the same
	err := run(ctx, os.Stdout, *format, *names, *rounds)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, format, names string, rounds int) error {
	dir, err := os.MkdirTemp("", "tenon-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	selected, err := choose(rows(dir), names)
	if err != nil {
		return err
	}
	if rounds < 1 {
		return fmt.Errorf("rounds: %d is less than 1", rounds)
	}
	p, err := newPrinter(out, format)
	if err != nil {
		return err
	}
	if err := p.begin(thisMachine(), rounds); err != nil {
		return err
	}
	for _, r := range selected {
		result, err := r.run(ctx, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if err := p.row(result); err != nil {
			return err
		}
	}
	return p.end()
}

func choose(all []row, names string) ([]row, error) {
	if names == "" {
		return all, nil
	}
	var selected []row
	for name := range strings.SplitSeq(names, ",") {
		before := len(selected)
		for _, r := range all {
			if is, err := path.Match(name, r.name); err != nil {
				return nil, fmt.Errorf("rows: %q: %w", name, err)
			} else if is {
				selected = append(selected, r)
			}
		}
		if len(selected) == before {
			return nil, fmt.Errorf("rows: unknown row %q", name)
		}
	}
	return selected, nil
}

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	worker()
	if is, err := runChild(); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func BenchmarkRows(b *testing.B) {
	for _, r := range rows() {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				d, err := r.measure(b.Context(), b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(d.Nanoseconds()), "work-ns/op")
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out, "chain,graph,start,process", 1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| chain of 1000 no-op steps |", "| build and validate a graph of 100,000 steps |", "| program start to first step |", "| chain of 20 no-op steps, each in a process of its own |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	if err := run(t.Context(), &out, "nothing", 1); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("unknown row: error %v does not name it", err)
	}
}

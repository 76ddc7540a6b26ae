package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
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
	for _, r := range rows(b.TempDir()) {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				figure, err := r.measure(b.Context(), b.TempDir())
				if why, is := errors.AsType[unavailable](err); is {
					b.Skip(why.why)
				}
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(figure), "work-"+string(r.unit)+"/op")
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(t.Context(), &out, "markdown", "graph,process", 1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| build and validate a graph of 100,000 steps |", "| chain of 20 no-op steps, each in a process of its own |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
	for _, bad := range []struct{ format, rows, names string }{{"markdown", "nothing", "nothing"}, {"xml", "graph", "xml"}} {
		if err := run(t.Context(), &out, bad.format, bad.rows, 1); err == nil || !strings.Contains(err.Error(), bad.names) {
			t.Errorf("rows %s as %s: error %v does not name %s", bad.rows, bad.format, err, bad.names)
		}
	}
}

// The rows with a peer are measured once, and those of which the peer cannot be built say why.
func TestPeer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the peer")
	}
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out, "json", "start,chain", 1); err != nil {
		t.Fatal(err)
	}
	var got document
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 2 || got.Rounds != 1 || got.Machine.Go == "" {
		t.Fatalf("the document is not complete:\n%s", out.String())
	}
	for _, r := range got.Rows {
		if r.Figure <= 0 || r.Met == nil || len(r.Baselines) < 2 {
			t.Errorf("%s is not measured: %+v", r.Name, r)
		}
		for _, b := range r.Baselines {
			if b.Skipped == "" && (b.Figure <= 0 || b.Ratio <= 0) {
				t.Errorf("%s: %s has neither figure nor reason", r.Name, b.Name)
			}
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	figure := func(n int64) measurement {
		return func(context.Context, string) (int64, error) { return n, nil }
	}
	missing := func(context.Context, string) (int64, error) { return 0, unavailable{"it\nis not here"} }
	broken := func(context.Context, string) (int64, error) { return 0, errors.New("it broke") }
	show := func(n int64) string { return strconv.FormatInt(n, 10) }
	base := []baseline{{"one", figure(10)}, {"two", missing}}
	for _, test := range []struct {
		row  row
		want string
	}{
		{row{measure: figure(5), baselines: base, budget: budget{"6", 6, 0}}, "|  | 5 | 6 | yes | 10 (one) | 0.50 |\n|  |  |  |  | two, not measured: it is not here |  |\n"},
		{row{measure: figure(7), budget: budget{"6", 6, 0}}, "|  | 7 | 6 | **no** |  |  |\n"},
		{row{measure: figure(12), baselines: base[:1], budget: budget{"1.1", 0, 1.1}}, "|  | 12 | 1.1 | **no** | 10 (one) | 1.20 |\n"},
		{row{measure: figure(11), baselines: base[:1], budget: budget{"1.1", 0, 1.1}}, "|  | 11 | 1.1 | yes | 10 (one) | 1.10 |\n"},
		{row{measure: figure(11), baselines: base[1:], budget: budget{"1.1", 0, 1.1}}, "|  | 11 | 1.1 |  | two, not measured: it is not here |  |\n"},
		{row{measure: figure(3)}, "|  | 3 |  |  |  |  |\n"},
		{row{measure: missing, baselines: base[:1]}, "|  | not measured: it is not here |  |  |  |  |\n"},
	} {
		test.row.show = show
		result, err := test.row.run(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := (&markdown{&out}).row(result); err != nil {
			t.Fatal(err)
		}
		if out.String() != test.want {
			t.Errorf("got  %swant %s", out.String(), test.want)
		}
	}
	if _, err := (row{measure: figure(1), baselines: []baseline{{"it", broken}}}).run(t.Context(), 1); err == nil {
		t.Error("a broken baseline is no error")
	}
}

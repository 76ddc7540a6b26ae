package pipelinetest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tenon-ml/tenon/pipeline"
)

// builds is how often Golden builds a graph. Go ranges over a map of two keys in the same order seven times of eight, so that one in five
// thousand of such pipelines passes for deterministic.
const builds = 64

// Golden holds the JSON form of a pipeline's graph against a golden file. It builds the graph several times, which must give the same
// each time. If the test's package defines a boolean flag named update and it is set, or the environment variable
// UPDATE_GOLDEN is, Golden writes the file instead.
func Golden[P, Out any](tb testing.TB, p *pipeline.Pipeline[P, Out], params P, file string) {
	tb.Helper()
	got := graphJSON(tb, p, params)
	for range builds - 1 {
		if again := graphJSON(tb, p, params); !bytes.Equal(got, again) {
			tb.Fatalf("pipeline %s is not deterministic: building it again with the same parameters gives another graph. Does it range over a map, or read the clock?\n%s",
				p.Name(), difference(got, again, "once", "again"))
		}
	}
	if updating() {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("%v: run the test with %s to write it", err, updateSwitch())
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(got, want) {
		tb.Errorf("the graph of pipeline %s is not the one in %s; if the change is meant, run the test with %s\n%s",
			p.Name(), file, updateSwitch(), difference(want, got, "want", "got"))
	}
}

func graphJSON[P, Out any](tb testing.TB, p *pipeline.Pipeline[P, Out], params P) []byte {
	tb.Helper()
	g, err := p.Graph(params)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	return append(b, '\n')
}

// difference shows the first line in which two texts differ.
func difference(a, b []byte, aName, bName string) string {
	as, bs := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	i := 0
	for i < len(as) && i < len(bs) && bytes.Equal(as[i], bs[i]) {
		i++
	}
	line := func(lines [][]byte) string {
		if i >= len(lines) {
			return "(the end)"
		}
		return string(lines[i])
	}
	return fmt.Sprintf("line %d\n%5s: %s\n%5s: %s", i+1, aName, line(as), bName, line(bs))
}

// updating also reads the flag -update, which belongs to the test's own package.
func updating() bool {
	f := flag.Lookup("update")
	return os.Getenv("UPDATE_GOLDEN") != "" || f != nil && f.Value.String() == "true"
}

// updateSwitch is what makes updating true in this test.
func updateSwitch() string {
	if f := flag.Lookup("update"); f != nil {
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			return "-update"
		}
	}
	return "UPDATE_GOLDEN=1"
}

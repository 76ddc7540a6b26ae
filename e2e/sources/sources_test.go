// Package sources tests outside data from submit to step: what an edit makes run again, and what it does not.
package sources

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/pipeline/pipelinetest"
)

type loadIn struct{ CSV artifact.Source }

// loadOut has the masses of two species, so that an edit of one row changes one of them.
type loadOut struct{ Adelie, Gentoo artifact.Ref[[]float64] }

func load(ctx context.Context, in loadIn) (loadOut, error) {
	r, err := in.CSV.Open(ctx)
	if err != nil {
		return loadOut{}, err
	}
	defer r.Close()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return loadOut{}, err
	}
	masses := map[string][]float64{}
	for _, row := range rows[1:] {
		mass, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return loadOut{}, err
		}
		masses[row[0]] = append(masses[row[0]], mass)
	}
	return loadOut{artifact.New(masses["Adelie"]), artifact.New(masses["Gentoo"])}, nil
}

type meanIn struct{ Masses artifact.Ref[[]float64] }

func mean(_ context.Context, in meanIn) (artifact.Ref[float64], error) {
	sum := 0.0
	for _, m := range in.Masses.Value() {
		sum += m
	}
	return artifact.New(sum / float64(len(in.Masses.Value()))), nil
}

type compareIn struct{ Adelie, Gentoo artifact.Ref[float64] }

func compare(_ context.Context, in compareIn) (artifact.Ref[bool], error) {
	return artifact.New(in.Adelie.Value() < in.Gentoo.Value()), nil
}

type reportIn struct{ GentooIsHeavier artifact.Ref[bool] }

func report(_ context.Context, in reportIn) (artifact.Ref[string], error) {
	return artifact.New("Gentoo is heavier: " + strconv.FormatBool(in.GentooIsHeavier.Value())), nil
}

type params struct{ CSV artifact.Source }

var masses = pipeline.Define("masses", func(p *pipeline.Builder, in params) artifact.Ref[string] {
	data := pipeline.Step(p, "load", load, loadIn(in))
	adelie := pipeline.Step(p, "adelie", mean, meanIn{data.Adelie})
	gentoo := pipeline.Step(p, "gentoo", mean, meanIn{data.Gentoo})
	heavier := pipeline.Step(p, "compare", compare, compareIn{adelie, gentoo})
	return pipeline.Step(p, "report", report, reportIn{heavier})
})

const rows = "species,mass\nAdelie,3700\nAdelie,3800\nGentoo,5000\nGentoo,5200\n"

// states runs the pipeline and returns the state of each step.
func states(t *testing.T, client *tenon.Client, csv artifact.Source) map[string]string {
	t.Helper()
	run, err := masses.Run(t.Context(), client, params{CSV: csv})
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Result(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "Gentoo is heavier: true"; result.Value() != want {
		t.Errorf("the result is %q, want %q", result.Value(), want)
	}
	page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: run.ID()})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range page.Items {
		got[s.Step] = string(s.State)
	}
	return got
}

// ran is the states in which the named steps ran and the others were cached.
func ran(names ...string) map[string]string {
	want := map[string]string{"load": "cached", "adelie": "cached", "gentoo": "cached", "compare": "cached", "report": "cached"}
	for _, name := range names {
		want[name] = "succeeded"
	}
	return want
}

func expect(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestEditOfOneRow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	client, csv := pipelinetest.Open(t), artifact.From(path)
	edited := strings.Replace(rows, "5200", "5400", 1)

	write(t, path, rows)
	expect(t, "the first run", states(t, client, csv), ran("load", "adelie", "gentoo", "compare", "report"))
	expect(t, "unchanged", states(t, client, csv), ran())
	write(t, path, edited)
	// The comparison has a new input, its result is the old one, and so the report is cached.
	expect(t, "one row of Gentoo changed", states(t, client, csv), ran("load", "gentoo", "compare"))
	write(t, path, rows)
	expect(t, "the row put back", states(t, client, csv), ran())
	write(t, path, edited)
	expect(t, "the row changed again", states(t, client, csv), ran())
	write(t, path, rows+"\n")
	expect(t, "an empty line added", states(t, client, csv), ran("load"))
}

func TestEditIsNoticedByAnotherClient(t *testing.T) {
	t.Parallel()
	home, path := t.TempDir(), filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, rows)
	for _, want := range []map[string]string{ran("load", "adelie", "gentoo", "compare", "report"), ran()} {
		client, err := tenon.Open(t.Context(), tenon.Config{Home: home})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "a new client", states(t, client, artifact.From(path)), want)
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	client := pipelinetest.Open(t)
	expect(t, "the first run", states(t, client, artifact.FromBytes("rows.csv", []byte(rows))), ran("load", "adelie", "gentoo", "compare", "report"))
	expect(t, "unchanged", states(t, client, artifact.FromBytes("rows.csv", []byte(rows))), ran())
	edited := []byte(strings.Replace(rows, "3700", "3900", 1))
	expect(t, "one row of Adelie changed", states(t, client, artifact.FromBytes("rows.csv", edited)), ran("load", "adelie", "compare"))
}

func TestURL(t *testing.T) {
	t.Parallel()
	var content atomic.Value
	content.Store(rows)
	var downloads atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := content.Load().(string)
		tag := strconv.Quote(strconv.Itoa(strings.Index(text, "5400")))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		downloads.Add(1)
		io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	client, csv := pipelinetest.Open(t), artifact.From(server.URL+"/rows.csv")

	expect(t, "the first run", states(t, client, csv), ran("load", "adelie", "gentoo", "compare", "report"))
	expect(t, "unchanged", states(t, client, csv), ran())
	if n := downloads.Load(); n != 1 {
		t.Errorf("downloaded %d times, want once", n)
	}
	content.Store(strings.Replace(rows, "5200", "5400", 1))
	expect(t, "one row of Gentoo changed", states(t, client, csv), ran("load", "gentoo", "compare"))
	content.Store(rows)
	expect(t, "the row put back", states(t, client, csv), ran())
}

// countIn has sources where fields may be: in a list, and behind a pointer that may be nil.
type countIn struct {
	Dir   artifact.Source
	More  []artifact.Source
	Extra *artifact.Source
}

func count(ctx context.Context, in countIn) (artifact.Ref[int], error) {
	dir, err := in.Dir.Path(ctx)
	if err != nil {
		return artifact.Ref[int]{}, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return artifact.Ref[int]{}, err
	}
	n := len(entries)
	more := in.More
	if in.Extra != nil {
		more = append(more, *in.Extra)
	}
	for _, s := range more {
		path, err := s.Path(ctx)
		if err != nil {
			return artifact.Ref[int]{}, err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return artifact.Ref[int]{}, err
		}
		n += len(data)
	}
	return artifact.New(n), nil
}

var counting = pipeline.Define("counting", func(p *pipeline.Builder, in countIn) artifact.Ref[int] {
	return pipeline.Step(p, "count", count, in)
})

func TestDirectoryAndNestedSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "1.png"), "one")
	client := pipelinetest.Open(t)
	in := countIn{Dir: artifact.From(dir), More: []artifact.Source{artifact.FromBytes("same", []byte("xx")), artifact.FromBytes("same", []byte("yyy"))}}
	expectCount := func(what string, want int, state metadata.StepState) {
		t.Helper()
		run, err := counting.Run(t.Context(), client, in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := run.Result(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		page, err := client.Metadata().Steps(t.Context(), metadata.StepQuery{Run: run.ID()})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("steps %v, %v", page.Items, err)
		}
		if got.Value() != want || page.Items[0].State != state {
			t.Errorf("%s: counted %d, want %d; the step is %s, want %s", what, got.Value(), want, page.Items[0].State, state)
		}
	}
	expectCount("the first run", 6, metadata.StepSucceeded)
	expectCount("unchanged", 6, metadata.StepCached)
	write(t, filepath.Join(dir, "2.png"), "")
	expectCount("a file added", 7, metadata.StepSucceeded)
	extra := artifact.FromBytes("extra", []byte("zzzz"))
	in.Extra = &extra
	expectCount("a source added", 11, metadata.StepSucceeded)
	if err := os.Remove(filepath.Join(dir, "2.png")); err != nil {
		t.Fatal(err)
	}
	in.Extra = nil
	expectCount("as at first", 6, metadata.StepCached)
}

type spoilIn struct{ Path string }

// spoil edits a file that the run has pinned.
func spoil(_ context.Context, in spoilIn) (struct{}, error) {
	return struct{}{}, os.WriteFile(in.Path, []byte(strings.Replace(rows, "5200", "5400", 1)), 0o600)
}

var spoiled = pipeline.Define("spoiled", func(p *pipeline.Builder, in spoilIn) artifact.Ref[[]float64] {
	pipeline.Step(p, "spoil", spoil, in)
	return pipeline.Step(p, "load", load, loadIn{CSV: artifact.From(in.Path)}, pipeline.After("spoil")).Gentoo
})

func TestEditDuringRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rows.csv")
	write(t, path, rows)
	_, err := pipelinetest.Try(t, spoiled, spoilIn{Path: path})
	if want := "source " + path + " changed since the run was submitted: submit the run again"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("\ngot  %v\nwant %s", err, want)
	}
}

func TestMissingSource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.csv")
	client := pipelinetest.Open(t)
	_, err := masses.Run(t.Context(), client, params{CSV: artifact.From(path)})
	want := "step load: field CSV: source " + path + ": stat " + path + ": no such file or directory: name a file or directory that exists"
	if err == nil || !strings.HasSuffix(err.Error(), want) || !errors.Is(err, component.ErrNotFound) {
		t.Errorf("\ngot  %v\nwant ... %s", err, want)
	}
	page, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("recorded %v, %v", page.Items, err)
	}
}

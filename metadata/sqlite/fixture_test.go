package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

var update = flag.Bool("update", false, "write the fixture of the newest schema")

func fixture(version int, ext string) string {
	return filepath.Join("testdata", fmt.Sprintf("v%d.%s", version, ext))
}

// Every schema that was ever released opens, and all that it holds is there: testdata has a dump of each, and what a reader finds in it.
// A dump is written once, with -update, when its schema is new, and never again.
func TestReleasedSchemas(t *testing.T) {
	if *update {
		writeFixture(t)
	}
	t.Parallel()
	for version := 1; version <= schemaVersion; version++ {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tenon.db")
			raw(t, path, string(content(t, fixture(version, "sql"))))
			store := openAt(t, path)
			got := readAll(t, store)
			if *update {
				if err := os.WriteFile(fixture(version, "json"), got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(content(t, fixture(version, "json"))), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			r, create := newRun("later")
			fill(&create, r.ID, 0, 3)
			apply(t, store, create)
		})
	}
}

// The migrations make the schema of the newest fixture: a schema that was released is changed by another migration only.
func TestSchemaIsThatOfTheFixture(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "fixture.db")
	raw(t, path, string(content(t, fixture(schemaVersion, "sql"))))
	fresh, _ := closed(t)
	if diff := cmp.Diff(dump(t, path, false), dump(t, fresh, false)); diff != "" {
		t.Errorf("add a migration, do not change one (-fixture +new):\n%s", diff)
	}
}

// writeFixture dumps a database that holds something of everything.
func writeFixture(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tenon.db")
	store, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	id := func(n int) string { return fmt.Sprintf("019b0000-0000-7000-8000-%012d", n) }
	key := metadata.StepKey{Run: id(1), Step: "train", Index: -1}
	record := artifact.Record{Digest: digestOf("model"), Size: 5, Codec: "raw/1", Type: "string", Meta: map[string]any{"length": 5}, Preview: "model"}
	inline := artifact.Record{Digest: digestOf(""), Codec: "raw/1", Type: "string", Inline: []byte{}}
	graph, plan := metadata.Document{Digest: digestOf("g"), Kind: "graph", Body: []byte(`{}`)}, metadata.Document{Digest: digestOf("p"), Kind: "plan", Body: []byte(`[]`)}
	code := metadata.Document{Digest: digestOf("c"), Kind: "code", Body: []byte(`()`)}
	r := metadata.Run{
		ID: id(1), Name: "nightly", Pipeline: "penguins", State: metadata.RunRunning, Tags: map[string]string{"team": "a"}, Stack: "default",
		Graph: graph.Digest, Plan: plan.Digest, Code: code.Digest, Params: json.RawMessage(`{"lr":0.1}`), Epoch: 1, Driver: metadata.Driver{Host: "h", PID: 1}, Created: at, Started: at,
	}
	r.Replays = id(9)
	ended := r
	ended.Lost, ended.Cost = true, metadata.Cost{CPU: time.Second, PeakMemory: 1 << 20, Read: 1, Written: 2}
	ended.State, ended.Finished, ended.Counts, ended.Outputs = metadata.RunSucceeded, at, map[metadata.StepState]int{metadata.StepSucceeded: 1}, map[string]artifact.Record{"Model": record}
	apply(t, store, metadata.Batch{
		ID: id(2), Documents: []metadata.Document{graph, plan, code}, Create: []metadata.Run{r}, Update: []metadata.Run{ended},
		Steps: []metadata.Step{{
			StepKey: key, State: metadata.StepSucceeded, CacheKey: "key", Computed: at, Attempts: 1, Started: at, Finished: at,
			Inputs:  []metadata.Input{{Name: "CSV", Digest: digestOf("csv"), URI: "file:///x.csv"}},
			Outputs: []metadata.Output{{ID: id(3), Name: "Model", Record: record}, {ID: id(4), Name: "Empty", Record: inline}},
		}},
		Attempts: []metadata.Attempt{{ID: id(5), StepKey: key, Number: 1, State: metadata.StepSucceeded, Started: at, Finished: at, Cost: ended.Cost, Logs: []metadata.LogChunk{{Lines: 1, Digest: digestOf("log")}}}},
		Metrics:  []metadata.Metric{{StepKey: key, Attempt: id(5), Name: "loss", Value: 0.5, Time: at}},
		Versions: []metadata.Version{{Name: "penguins/Model", Artifact: id(3), Created: at}},
	})
	later, pruned := r, metadata.StepKey{Run: r.ID, Step: "score", Index: 2}
	later.ID, later.State, later.Tags = id(6), metadata.RunFailed, nil
	pruned.Run = later.ID
	apply(t, store, metadata.Batch{
		Run: later.ID, Epoch: 1, Create: []metadata.Run{later}, Holds: []artifact.Digest{digestOf("held")},
		Steps: []metadata.Step{{StepKey: pruned, State: metadata.StepSucceeded, CacheKey: "pruned", Computed: at, Outputs: []metadata.Output{
			{ID: id(7), Name: "output", Record: artifact.Record{Digest: digestOf("pruned"), Size: 6, Codec: "raw/1", Type: "string"}},
		}}},
		Checkpoints: []metadata.Checkpoint{{
			StepKey: metadata.StepKey{Run: later.ID, Step: "train", Index: -1}, Attempt: id(8), Saved: at,
			Record: artifact.Record{Digest: digestOf("saved"), Size: 5, Codec: "raw/1", Type: "string"},
		}},
		Signals: []metadata.Signal{{ID: id(9), Run: later.ID, Kind: metadata.SignalApprove, Step: "deploy", By: "ann", Note: "good", Created: at}},
	})
	if n, err := store.Forget(t.Context(), []string{"pruned"}, time.Time{}); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err := store.PutStack(t.Context(), metadata.Stack{Name: "prod", Spec: []byte("name: prod\n")}, 0); err != nil {
		t.Fatal(err)
	}
	if err := store.SetActiveStack(t.Context(), "prod"); err != nil {
		t.Fatal(err)
	}
	gone, deleting := digestOf("gone"), digestOf("deleting")
	if _, err := store.Condemn(t.Context(), []artifact.Digest{gone, deleting}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.BeginDelete(t.Context(), []artifact.Digest{deleting}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "UPDATE stacks SET updated = 0", "UPDATE goose_db_version SET tstamp = '2026-01-01 00:00:00'")
	if err := os.WriteFile(fixture(schemaVersion, "sql"), []byte(dump(t, path, true)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readAll reads what a fixture holds through the interface, as JSON.
func readAll(t *testing.T, store metadata.Store) []byte {
	t.Helper()
	ctx := t.Context()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	show := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	page, err := store.Runs(ctx, metadata.RunQuery{Tags: map[string]string{"team": "a"}})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d runs, want 1 (%v)", len(page.Items), err)
	}
	id := page.Items[0].ID
	r, err := store.Run(ctx, id)
	show(r, err)
	steps, err := store.Steps(ctx, metadata.StepQuery{Run: id})
	show(steps, err)
	attempts, err := store.Attempts(ctx, metadata.AttemptQuery{Run: id})
	show(attempts, err)
	metrics, err := store.Metrics(ctx, metadata.MetricQuery{Run: id})
	show(metrics, err)
	artifacts, err := store.Artifacts(ctx, metadata.ArtifactQuery{})
	show(artifacts, err)
	for _, d := range []artifact.Digest{r.Graph, r.Plan, r.Code} {
		document, err := store.Document(ctx, d)
		show(document, err)
	}
	const later = "019b0000-0000-7000-8000-000000000006"
	checkpoints, err := store.Checkpoints(ctx, later)
	show(checkpoints, err)
	signals, err := store.Signals(ctx, metadata.SignalQuery{Run: later})
	show(signals, err)
	names, err := store.Names(ctx, "penguins/", metadata.Cursor{})
	show(names, err)
	results, err := store.Results(ctx, metadata.ResultQuery{})
	show(results, err)
	deleting, err := store.Deleting(ctx)
	show(deleting, err)
	found, err := store.Lookup(ctx, []string{"key", "pruned"})
	show(len(found), err)
	stacks, err := store.Stacks(ctx)
	show(stacks, err)
	active, err := store.ActiveStack(ctx)
	show(active, err)
	condemned, err := store.Condemn(ctx, []artifact.Digest{
		digestOf("gone"), digestOf("model"), digestOf("log"), digestOf("csv"), digestOf("held"), digestOf("saved"), digestOf("pruned"),
	})
	show(condemned, err)
	return out.Bytes()
}

// dump returns a database as SQL, with its rows or without.
func dump(t *testing.T, path string, rows bool) string {
	t.Helper()
	db, err := sql.Open(driverName, dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	objects := column(t, db, "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name")
	out.WriteString(strings.Join(objects, "\n") + "\n")
	if !rows {
		return out.String()
	}
	for _, table := range column(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name") {
		names := column(t, db, "SELECT name FROM pragma_table_info('"+table+"')")
		values := make([]string, len(names))
		for i, n := range names {
			values[i] = "quote(" + n + ")"
		}
		prefix := fmt.Sprintf("'INSERT INTO %s VALUES (' || ", table)
		for _, row := range column(t, db, "SELECT "+prefix+strings.Join(values, " || ', ' || ")+" || ');' FROM "+table+" ORDER BY 1") {
			out.WriteString(row + "\n")
		}
	}
	fmt.Fprintf(&out, "PRAGMA user_version = %s;\n", column(t, db, "PRAGMA user_version")[0])
	return out.String()
}

// column reads the only column of a query.
func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

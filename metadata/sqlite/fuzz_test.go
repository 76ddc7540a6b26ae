package sqlite

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// A cursor from anywhere is read as a place that writes the same place again, or refused as invalid.
func FuzzCursor(f *testing.F) {
	f.Add(cursor("01a2"))
	f.Add(cursor(place{"load", -1}))
	f.Add(cursor(artifactPlace{"r", "s", 1, 2}))
	f.Add(cursor(resultPlace{1, 2, 3}))
	f.Add("bnVsbA")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, after string) {
		var p artifactPlace
		if err := begin(metadata.Cursor{After: after}, &p); err != nil {
			if component.CodeOf(err) != component.Invalid {
				t.Errorf("code %q, want invalid: %v", component.CodeOf(err), err)
			}
			return
		}
		var again artifactPlace
		if err := begin(metadata.Cursor{After: cursor(p)}, &again); err != nil || after != "" && again != p {
			t.Errorf("%+v became %+v (%v)", p, again, err)
		}
	})
}

// Whatever a batch holds, it is applied and can be read again, or is refused with a code, and nothing of it is there.
func FuzzApply(f *testing.F) {
	const id = "019b0000-0000-7000-8000-000000000001"
	digest := string(digestOf("x"))
	for _, seed := range []string{
		`{}`,
		`{"create":[{"id":"r","pipeline":"p","state":"running","cost":{"cpu":-1},"replays":"\u0000"}]}`,
		`{"create":[{"id":"r","pipeline":"p","state":"failed","epoch":1}],"signals":[{"id":"` + id + `","run":"r","kind":"approve","step":"s"}]}`,
		`{"create":[{"id":"r","pipeline":"p","state":"running"}],"run":"r","holds":["` + digest + `","sha256:"]}`,
		`{"create":[{"id":"r","pipeline":"p","state":"running"}],"checkpoints":[{"run":"r","step":"s","index":-1,"attempt":"a","record":{"digest":"` + digest + `","elements":[{}]}}]}`,
		`{"create":[{"id":"r","pipeline":"p","state":"failed"}],"steps":[{"run":"r","step":"s","index":0,"state":"succeeded","cache_key":"k","computed":"2262-01-01T00:00:00Z",
			"outputs":[{"id":"a","name":"n","record":{"digest":"` + digest + `","size":-9223372036854775808},"pruned":true}]}],"versions":[{"name":"v","artifact":"a"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b metadata.Batch
		if json.Unmarshal(body, &b) != nil {
			return
		}
		b.Durable = false
		store := openAt(t, filepath.Join(t.TempDir(), "tenon.db"))
		if err := store.Apply(t.Context(), b); err != nil {
			if code := component.CodeOf(err); code == component.Unknown || code == component.Corrupt {
				t.Fatalf("code %q: %v", code, err)
			}
			page, err := store.Runs(t.Context(), metadata.RunQuery{})
			if err != nil || len(page.Items) > 0 {
				t.Fatalf("of a refused batch %d runs are there (%v)", len(page.Items), err)
			}
			return
		}
		ctx := t.Context()
		for _, r := range b.Create {
			var errs [6]error
			_, errs[0] = store.Run(ctx, r.ID)
			_, errs[1] = store.Steps(ctx, metadata.StepQuery{Run: r.ID})
			_, errs[2] = store.Attempts(ctx, metadata.AttemptQuery{Run: r.ID})
			_, errs[3] = store.Checkpoints(ctx, r.ID)
			_, errs[4] = store.Signals(ctx, metadata.SignalQuery{Run: r.ID})
			_, errs[5] = store.Artifacts(ctx, metadata.ArtifactQuery{Run: r.ID})
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
		}
		results, err := store.Results(ctx, metadata.ResultQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results.Items {
			if _, err := store.Forget(ctx, []string{r.CacheKey}, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

package simulate

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	artifactlocal "github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSeedDecides(t *testing.T) {
	t.Parallel()
	different := 0
	for seed := range uint64(50) {
		first, again, other := New(seed, All), New(seed, All), New(seed+1000, All)
		if !maps.Equal(first.rate, again.rate) || first.Rand("x").Uint64() != again.Rand("x").Uint64() {
			t.Errorf("seed %d is not the same again", seed)
		}
		if !maps.Equal(first.rate, other.rate) {
			different++
		}
		some := false
		for kind, rate := range New(seed, Crashes|Failures).rate {
			some = some || rate > 0
			if kind&^(Crashes|Failures) != 0 {
				t.Errorf("seed %d has %v", seed, kind)
			}
		}
		if !some {
			t.Errorf("nothing happens with seed %d", seed)
		}
	}
	if different < 40 {
		t.Errorf("only %d of 50 seeds differ", different)
	}
	if got := (Crashes | Delays).String(); got != "crashes, delays" || Faults(0).String() != "" {
		t.Errorf("kinds are called %q", got)
	}
}

// TestArtifactsFail: calls fail before their effect and after it, readers break off, and what succeeds is right.
func TestArtifactsFail(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		store, err := artifactlocal.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		for seed := range uint64(60) {
			d := New(seed, Failures|Delays).Disturbed("run").Driver(nil)
			text := "content " + strings.Repeat("x", int(seed))
			_, putErr := d.Artifacts(store).Put(t.Context(), strings.NewReader(text))
			info, err := store.Put(t.Context(), strings.NewReader(text)) // to know the digest
			if err != nil {
				t.Fatal(err)
			}
			seen["put "+outcomeOf(t, putErr)] = true
			r, err := d.Artifacts(store).Open(t.Context(), info.Digest)
			seen["open "+outcomeOf(t, err)] = true
			if err != nil {
				continue
			}
			got, err := io.ReadAll(r)
			r.Close()
			seen["read "+outcomeOf(t, err)] = true
			if err == nil && string(got) != text || !strings.HasPrefix(text, string(got)) {
				t.Errorf("seed %d reads %q", seed, got)
			}
		}
	})
	for _, want := range []string{"put works", "put fails", "open works", "open fails", "read works", "read fails"} {
		if !seen[want] {
			t.Errorf("never: %s; seen: %v", want, seen)
		}
	}
}

func outcomeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "works"
	}
	if !errors.Is(err, component.ErrUnavailable) || !strings.Contains(err.Error(), "simulated: ") {
		t.Errorf("the error is %v", err)
	}
	return "fails"
}

// TestCommitsFail: a commit that fails has had its effect or not, a driver that dies has none afterwards.
func TestCommitsFail(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tenon.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		for seed := range uint64(150) {
			killed := false
			d := New(seed, Failures|Deaths).Disturbed("run").Driver(func() { killed = true })
			meta := d.Metadata(store)
			for range 10 {
				id := uuid.Must(uuid.NewV7()).String()
				dead := d.isDead()
				err := meta.Apply(t.Context(), metadata.Batch{Create: []metadata.Run{{ID: id, Pipeline: "p", State: metadata.RunRunning, Epoch: 1, Created: time.Now()}}})
				_, readErr := store.Run(t.Context(), id)
				applied := readErr == nil
				switch {
				case dead && (err == nil || applied):
					t.Errorf("seed %d: a dead driver has an effect: %v", seed, err)
				case err == nil && !applied:
					t.Errorf("seed %d: a commit is acknowledged that was not applied", seed)
				case d.isDead() && !dead:
					seen["dies "+word(applied)]++
				case err != nil && !dead:
					seen["fails "+word(applied)]++
				}
			}
			if d.isDead() != killed {
				t.Errorf("seed %d: the driver is dead: %v, it was killed: %v", seed, d.isDead(), killed)
			}
		}
	})
	for _, want := range []string{"dies before", "dies after", "fails before", "fails after"} {
		if seen[want] == 0 {
			t.Errorf("never: %s; seen: %v", want, seen)
		}
	}
}

// TestLastDriver: nothing happens to the last driver, nor to an undisturbed run.
func TestLastDriver(t *testing.T) {
	t.Parallel()
	w := New(1, All)
	r := w.Disturbed("run")
	for i := range drivers {
		if d := r.Driver(nil); d.Last() != (i == drivers-1) {
			t.Errorf("driver %d is the last: %v", i+1, d.Last())
		}
	}
	if !w.Undisturbed("other").Driver(nil).Last() {
		t.Error("something happens to an undisturbed run")
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	digest := string(artifact.NewDigest([32]byte{0xab}))
	for identity, want := range map[string]string{
		"cbor/1 " + digest:                 "ab0000000000",
		"file/1 " + digest + " name a.txt": "ab0000000000 name a.txt",
		"":                                 "",
	} {
		if got := short(identity); got != want {
			t.Errorf("%q is shown as %q", identity, got)
		}
	}
}

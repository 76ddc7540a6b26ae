package environment_test

import (
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/e2e/faults/journal"
	"github.com/tenon-ml/tenon/e2e/faults/trial"
	"github.com/tenon-ml/tenon/metadata"
)

// copies are ways to copy a home while a program writes to it. Each copies parts in an order.
var copies = map[string][]string{
	"everything":              {"tenon.db", "tenon.db-shm", "tenon.db-wal", "artifacts", "tmp"},
	"log before database":     {"tenon.db-wal", "tenon.db", "artifacts"},
	"database alone":          {"tenon.db", "artifacts"},
	"content before database": {"artifacts", "tenon.db", "tenon.db-wal"},
	"no content":              {"tenon.db", "tenon.db-wal"},
	"content alone":           {"artifacts"},
}

// TestCopiedWhileWritten copies a home with cp while a program writes to it. Such a copy may lack anything. Opening it gives the right results or says
// that it is no good, and how to make one that is.
func TestCopiedWhileWritten(t *testing.T) {
	t.Parallel()
	seed := trial.Number(t, envSeed, int(time.Now().UnixNano()%1e9))
	t.Logf("%s=%d", envSeed, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 4))
	want := undisturbed(t)
	became := map[string]int{}
	for range max(1, trial.Number(t, envRounds, 1)/4) {
		site, p := busy(t, random)
		sites := map[string]*trial.Site{}
		for how, parts := range copies {
			sites[how] = trial.NewSite(t)
			for _, part := range parts {
				copyTree(t, filepath.Join(site.Home, part), filepath.Join(sites[how].Home, part))
			}
		}
		if err := p.Wait(t); err != nil {
			t.Fatalf("%v\n%s", err, brief(p.Said()))
		}
		for how, site := range sites {
			became[how+": "+usable(t, site, want)]++
		}
	}
	t.Logf("%v", became)
}

// busy starts a program that writes to a home that has something in it already, and returns at a random moment.
func busy(t *testing.T, random *rand.Rand) (*trial.Site, *trial.Program) {
	t.Helper()
	site := trial.NewSite(t)
	site.Run(t, endure(t), "run", "--set", "items=4")
	before, _ := journal.Size(site.Journal)
	p := site.Start(t, endure(t), runArgs...)
	moment := before + random.Int64N(3000)
	trial.Eventually(t, "the middle of a run", func() bool { now, _ := journal.Size(site.Journal); return now > moment })
	return site, p
}

// usable runs a program on a copy, and says what came of it.
func usable(t *testing.T, site *trial.Site, want map[string]artifact.Digest) string {
	t.Helper()
	p := site.Start(t, endure(t), runArgs...)
	if p.Wait(t) != nil {
		said(t, p, site.Home, "restore it from a backup", "docs/storage.md")
		return "refused"
	}
	r := site.Records(t)
	if r.Runs[0].State != metadata.RunSucceeded {
		t.Errorf("the run is %s", r.Runs[0].State)
	}
	got := r.Digests(r.Runs[0].ID)
	for name, d := range want {
		if got[name] != d {
			t.Errorf("%s is %s, want %s", name, got[name], d)
		}
	}
	for _, run := range r.Runs[1:] { // that of the program that was copied in the middle
		if run.State != metadata.RunSucceeded {
			site.Run(t, endure(t), "resume", run.ID)
			return "resumed"
		}
	}
	return "used"
}

// TestBackup makes a copy as docs/storage.md says, while a program writes and finishes: the database first, then the content. It has everything.
func TestBackup(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 5))
	want := undisturbed(t)
	for range max(2, trial.Number(t, envRounds, 2)/4) {
		site, p := busy(t, random)
		backup := trial.NewSite(t)
		if err := os.MkdirAll(backup.Home, 0o700); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite3", filepath.Join(site.Home, "tenon.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); err != nil && strings.Contains(err.Error(), "CGO_ENABLED=0") {
			_ = db.Close()
			t.Skip(err)
		}
		_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", filepath.Join(backup.Home, "tenon.db"))
		if err = errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		copyTree(t, filepath.Join(site.Home, "artifacts"), filepath.Join(backup.Home, "artifacts"))
		if err := p.Wait(t); err != nil {
			t.Fatalf("%v\n%s", err, brief(p.Said()))
		}
		was := backup.Records(t)
		if len(was.Runs) != 2 {
			t.Fatalf("%d runs are in the backup", len(was.Runs))
		}
		recovers(t, backup, endure(t), runArgs, want)
	}
}

// TestContentIsGone: a home that was copied without its content says which content is missing, and computes it again.
func TestContentIsGone(t *testing.T) {
	t.Parallel()
	site, want := trial.NewSite(t), undisturbed(t)
	site.Run(t, endure(t), runArgs...)
	if err := os.RemoveAll(filepath.Join(site.Home, "artifacts")); err != nil {
		t.Fatal(err)
	}
	p := site.Start(t, tenonCommand(t), "artifact", "get", "endure/Table")
	if p.Wait(t) == nil {
		t.Error("a result without content is shown")
	}
	said(t, p, string(want["result Table"]), "not in the store")
	if how := usable(t, site, want); how != "used" {
		t.Errorf("the home is %s", how)
	}
	site.Run(t, tenonCommand(t), "artifact", "get", "endure/Table")
}

// copyTree copies a file or a directory as it is, and what disappears meanwhile not at all.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return copyFile(path, target)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

package faults_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon"
	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// TestDamagedArtifact spoils the file of a cached artifact between two runs of a program.
func TestDamagedArtifact(t *testing.T) {
	t.Parallel()
	for how, spoil := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
		"deleted":   os.Remove,
		"flipped": func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			data[5000] ^= 0x20
			return errs(os.Remove(path), os.WriteFile(path, data, 0o600))
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			output(t, "text", home, "run")
			output(t, "text", home, "run")
			if n := marked(t, home, "written"); n != 1 {
				t.Fatalf("the text was written %d times", n)
			}
			client := open(t, home)
			v, err := client.Metadata().Version(t.Context(), "text/Text", 0)
			if err != nil {
				t.Fatal(err)
			}
			a, err := client.Metadata().Artifact(t.Context(), v.Artifact)
			if err != nil {
				t.Fatal(err)
			}
			digest := a.Record.Digest
			if err := spoil(filepath.Join(home, "artifacts", "sha256", digest.Hex()[:2], digest.Hex()[2:])); err != nil {
				t.Fatal(err)
			}

			// A person who reads it is told which content it is, and gets none of it.
			cmd := program(t.Context(), "tenon", home, "artifact", "get", v.Artifact, "--output", filepath.Join(home, "got"))
			said, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(said), digest.Hex()) {
				t.Errorf("tenon artifact get: %v, %s", err, said)
			}
			if _, err := os.Stat(filepath.Join(home, "got")); err == nil {
				t.Error("tenon artifact get left a file")
			}

			output(t, "text", home, "run")
			if n := marked(t, home, "written"); n != 2 {
				t.Errorf("the text was written %d times", n)
			}
			runs, err := client.Metadata().Runs(t.Context(), metadata.RunQuery{})
			if err != nil {
				t.Fatal(err)
			}
			last, err := client.Metadata().Run(t.Context(), runs.Items[0].ID)
			if err != nil || last.Outputs["Lines"].Preview != "5000" || last.Outputs["Text"].Digest != digest {
				t.Errorf("the results are %+v, %v", last.Outputs, err)
			}
			r, err := openContent(t, client, digest)
			if err != nil || len(r) != 5000*21 {
				t.Errorf("the content has %d bytes, %v", len(r), err)
			}
		})
	}
}

func errs(all ...error) error {
	if i := slices.IndexFunc(all, func(err error) bool { return err != nil }); i >= 0 {
		return all[i]
	}
	return nil
}

func openContent(t *testing.T, client *tenon.Client, d artifact.Digest) ([]byte, error) {
	t.Helper()
	store, err := client.Artifacts(t.Context(), "")
	if err != nil {
		return nil, err
	}
	r, err := store.Open(t.Context(), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

package edits

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// versioned is a module that the program requires by version. It is published in two, whose names hold a digest of the content: the module cache
// keeps them.
const versioned = `// Package versioned has a step function that calls its input.
package versioned

import "context"

const Version = 1

func Call[In interface{ Give() Out }, Out any](_ context.Context, in In) (Out, error) { return in.Give(), nil }
`

const versionedMod = "module example.com/versioned\n\ngo 1.26.0\n"

var (
	versionedBefore = "example.com/versioned " + versionOf("v1.0.0", versioned)
	versionedAfter  = "example.com/versioned " + versionOf("v1.1.0", versionedTwo)
	versionedTwo    = strings.Replace(versioned, "Version = 1", "Version = 2", 1)
)

func versionOf(name, content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("%s-h%x", name, sum[:6])
}

// publish makes both versions of the module known, and returns the lines of go.sum for them.
func (w workspace) publish() string {
	w.Helper()
	var sums strings.Builder
	for at, content := range map[string]string{versionedBefore: versioned, versionedAfter: versionedTwo} {
		path, version, _ := strings.Cut(at, " ")
		dir := "proxy/" + path + "/@v/" + version
		w.write(dir+".info", fmt.Sprintf(`{"Version":%q}`, version))
		w.write(dir+".mod", versionedMod)
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		for name, content := range map[string]string{"go.mod": versionedMod, "versioned.go": content} {
			file, err := z.Create(path + "@" + version + "/" + name)
			if err != nil {
				w.Fatal(err)
			}
			if _, err := file.Write([]byte(content)); err != nil {
				w.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			w.Fatal(err)
		}
		w.write(dir+".zip", archive.String())
		cmd := exec.CommandContext(w.Context(), "go", "mod", "download", "-json", path+"@"+version)
		cmd.Dir, cmd.Env = w.dir, append(slices.Clone(w.env), "GOPROXY=file://"+filepath.ToSlash(w.path("proxy")), "GONOPROXY=none", "GOSUMDB=off")
		out, err := cmd.Output()
		var m struct{ Sum, GoModSum, Error string }
		if jsonErr := json.Unmarshal(out, &m); err != nil || jsonErr != nil || m.Error != "" {
			w.Fatalf("%v, %v: %s", err, jsonErr, out)
		}
		fmt.Fprintf(&sums, "%s %s %s\n%s %s/go.mod %s\n", path, version, m.Sum, path, version, m.GoModSum)
	}
	return sums.String()
}

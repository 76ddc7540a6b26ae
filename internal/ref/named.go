package ref

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Named is a named artifact, a result of a pipeline, in one of its versions.
type Named struct {
	Name    string // "penguins/Model"
	Version int    // from 1; 0 is the newest
}

// latest stands for the newest version.
const latest = "latest"

// maxNamed is the length of the longest name, in bytes: less than what a metadata store takes as a key.
const maxNamed = 1000

// ParseNamed reads "penguins/Model", "penguins/Model@latest" or "penguins/Model@3".
func ParseNamed(text string) (Named, error) {
	name, version, versioned := strings.Cut(text, "@")
	pipeline, result, _ := strings.Cut(name, "/")
	switch {
	case pipeline == "" || result == "" || strings.Contains(result, "/"):
		return Named{}, errors.New(`write it as "pipeline/Result", "pipeline/Result@latest" or "pipeline/Result@3"`)
	case len(name) > maxNamed:
		return Named{}, fmt.Errorf("%d bytes are too long: use at most %d", len(name), maxNamed)
	case !versioned || version == latest:
		return Named{Name: name}, nil
	}
	n, err := strconv.Atoi(version)
	if err != nil || n < 1 || strconv.Itoa(n) != version {
		return Named{}, fmt.Errorf("%.40q is no version: versions count from 1; latest, or nothing, is the newest", version)
	}
	return Named{Name: name, Version: n}, nil
}

// String returns the one form in which a graph holds n: "penguins/Model@3", "penguins/Model@latest".
func (n Named) String() string {
	if n.Version == 0 {
		return n.Name + "@" + latest
	}
	return n.Name + "@" + strconv.Itoa(n.Version)
}

package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/ref"
)

// Use refers to an artifact that an earlier run made: a result of another pipeline, or an earlier one of this pipeline. Name is
// "pipeline/Result", Result being the field of the pipeline's Out type or "output" if that is a single Ref, and may end in a version:
// "penguins/Model@3". Without one, or with "@latest", it is the newest when the run is submitted; the run is then pinned to it, also
// when it is resumed.
//
// A run is refused at once if there is no such artifact or if it is not of type T. The artifact's content is in the cache key of what takes it,
// its name and version are not. It is no step: it is never skipped, and nothing waits for it. A list that [Gather] made has no name; what a
// step makes of it has.
func Use[T any](p *Builder, name string) artifact.Ref[T] {
	at := p.wired()
	h := &ref.Handle{} // of no build: what takes it is not a further mistake
	named, err := parseNamed(name)
	if err != nil {
		p.report("", "", at, fmt.Errorf("pipeline.Use of %.80q: %w", name, err))
	}
	t := reflect.TypeFor[T]()
	port := p.port(t)
	if port.err != nil {
		p.report("", "", at, fmt.Errorf("pipeline.Use of %.80q: %w", name, port.err))
	}
	if err == nil && port.err == nil {
		h = &ref.Handle{Build: p.build, Type: t, Edge: ref.Edge{Use: named.String()}}
	}
	var r artifact.Ref[T]
	*r.TenonRef(ref.Access{}).Handle = h
	return r
}

// parseNamed accepts the names that results of pipelines can have.
func parseNamed(name string) (ref.Named, error) {
	n, err := ref.ParseNamed(name)
	if err != nil {
		return n, err
	}
	pipeline, result, _ := strings.Cut(n.Name, "/")
	if err := checkName(pipeline); err != nil {
		return n, fmt.Errorf("pipeline name %w", err)
	}
	if strings.ContainsFunc(result, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return n, errors.New(`a result is called like a field of the pipeline's Out type, or "output"`)
	}
	return n, nil
}

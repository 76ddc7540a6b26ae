package fingerprint

import (
	"context"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tenon-ml/tenon/internal/fingerprint/declgraph"
)

// New returns the implementation that looks at declarations. It needs what [NewCoarse] needs, and gives what that gives wherever syntax does not
// tell what a function may reach.
func New(o Options) *Declared {
	d := &Declared{coarse: NewCoarse(o).(*coarse), reached: map[rootKey]*reach{}}
	file := ""
	if o.MemoDir != "" {
		file = filepath.Join(o.MemoDir, "code-declarations")
	}
	d.summaries = newSummaryMemo(file)
	return d
}

// Declared fingerprints functions by the declarations that they may reach. It is safe for concurrent use.
type Declared struct {
	*coarse
	summaries *summaryMemo // nil when the graph is linked
	linked    bool
	graph     *declgraph.Graph // nil if the source does not tell
	common    []Part           // what every function is made of besides declarations
	reached   map[rootKey]*reach
}

var _ Fingerprinter = (*Declared)(nil)

// rootKey is what tells functions apart before it is known what they reach.
type rootKey struct {
	name, file string
	line       int
	// Of generic functions, and of those of other modules.
	wired string
	typ   reflect.Type
}

type reach struct {
	parts  []Part
	digest string
	ok     bool
}

// Fingerprint implements [Fingerprinter].
func (d *Declared) Fingerprint(ctx context.Context, fn any, wired string) (Fingerprint, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, r, err := d.fingerprint(ctx, fn, wired)
	if err != nil || r == nil {
		return p, err
	}
	p.Digest = r.digest
	return p, nil
}

// Explain returns what the fingerprint of a function is made of, declarations first. Two of such lists differ where the fingerprints do:
// see [Compare]. It is nil for a function that is not fingerprinted by its declarations. The caller must not change it.
func (d *Declared) Explain(ctx context.Context, fn any, wired string) ([]Part, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, r, err := d.fingerprint(ctx, fn, wired)
	if err != nil || r == nil {
		return nil, err
	}
	return slices.Clip(r.parts), nil
}

// fingerprint returns what a function reaches if that is known, and otherwise its coarse fingerprint.
func (d *Declared) fingerprint(ctx context.Context, fn any, wired string) (Fingerprint, *reach, error) {
	f, err := FuncOf(fn)
	if err != nil {
		return Fingerprint{}, nil, err
	}
	if err := d.readTree(ctx); err != nil {
		return Fingerprint{}, nil, err
	}
	if d.tree != nil && d.captured(f, fn) == "" { // captured state may be a function from anywhere
		if err := d.link(ctx); err != nil {
			return Fingerprint{}, nil, err
		}
		if r := d.reach(f, fn, wired); r.ok {
			return Fingerprint{Mode: ModeSource}, r, nil
		}
	}
	p, err := d.ofFunc(ctx, f, fn)
	return p, nil, err
}

func (d *Declared) reach(f Func, fn any, wired string) *reach {
	if d.graph == nil {
		return &reach{}
	}
	k := rootKey{name: f.Name, file: f.File, line: f.Line}
	file := d.fileInTree(f.File)
	declared := d.graph.Declares(file) && !f.generic()
	if !declared {
		k.wired, k.typ = wired, reflect.TypeOf(fn)
	}
	if r := d.reached[k]; r != nil {
		return r
	}
	r := &reach{}
	d.reached[k] = r
	var parts []declgraph.Part
	identity, kind, ok := "", "", false
	if declared {
		parts, identity, ok = d.graph.Reach(file, f.Line, f.literal())
	} else if i, of, known := d.instance(f, fn, wired); known {
		kind = of
		parts, identity, ok = d.graph.ReachInstance(i)
	}
	if !ok {
		return r
	}
	r.ok = true
	h := newHash("declarations")
	write(h, d.tree.pkg, identity, kind)
	for _, p := range parts {
		r.parts = append(r.parts, Part{p.Name, p.File, p.Line, hex.EncodeToString([]byte(p.Digest))})
	}
	r.parts = append(r.parts, d.common...)
	for _, p := range r.parts {
		write(h, p.Name, p.Digest)
	}
	r.digest = sum(h)
	return r
}

// link reads the declarations of the main module, once.
func (d *Declared) link(ctx context.Context) error {
	if d.linked {
		return nil
	}
	graph, common := d.declarations(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	d.graph, d.common, d.linked = graph, common, true
	d.summaries.save()
	d.summaries = nil
	return nil
}

func (d *Declared) declarations(ctx context.Context) (*declgraph.Graph, []Part) {
	t := d.tree
	places := make(map[string]string, len(t.paths)) // of files by name
	for place, name := range t.paths {
		places[name] = place
	}
	var sources []declgraph.Source
	var own, foreign []request
	isMain := make(map[string]bool, len(t.main))
	packages := map[string]bool{}
	for _, name := range t.main {
		isMain[name] = true
		if path.Ext(name) == ".go" {
			packages[path.Dir(name)] = true
			sources = append(sources, declgraph.Source{Name: name, Embedded: t.embedded(name)})
			own = append(own, request{t.files[name], places[name]})
		}
	}
	for name, digest := range t.files {
		if !isMain[name] && path.Ext(name) == ".go" {
			foreign = append(foreign, request{digest, places[name]})
		}
	}
	for _, f := range d.summaries.of(ctx, imports, foreign) {
		// A module that this one depends on and that depends on it could do anything to it.
		if f == nil || f.Unclear || slices.ContainsFunc(f.Imports, func(i declgraph.Import) bool { return packages[i.Path] }) {
			return nil, nil
		}
	}
	for i, f := range d.summaries.of(ctx, whole, own) {
		if f == nil {
			return nil, nil
		}
		sources[i].File = f
	}
	common, ok := t.common(places, isMain)
	if !ok {
		return nil, nil
	}
	graph, ok := declgraph.Link(t.pkg, t.deps, sources)
	if !ok {
		return nil, nil
	}
	return graph, common
}

// embedded is the digest of all that a Go file embeds.
func (t *sources) embedded(name string) string {
	if len(t.embeds[name]) == 0 {
		return ""
	}
	h := newHash("embedded")
	for _, e := range slices.Sorted(slices.Values(t.embeds[name])) {
		write(h, e, t.files[e])
	}
	return sum(h)
}

// common returns what counts for every function: other modules, by version or by content, and settings of the language.
func (t *sources) common(places map[string]string, isMain map[string]bool) ([]Part, bool) {
	others := newHash("other modules")
	var parts []Part
	for _, name := range sortedKeys(t.files) {
		switch base := path.Base(name); {
		case base == "go.mod" && isMain[name], name == "go.work":
			content, err := os.ReadFile(places[name])
			if err != nil || hashOf(content) != t.files[name] {
				return nil, false
			}
			parts = append(parts, Part{Name: name, File: name, Digest: hashOf([]byte(languageSettings(string(content))))})
		case !isMain[name]:
			write(others, name, t.files[name])
		case base == "default.pgo", base == "modules.txt":
			parts = append(parts, Part{Name: name, File: name, Digest: t.files[name]})
		}
	}
	parts = append(parts, Part{Name: "modules that are used from disk", Digest: strings.TrimPrefix(sum(others), "sha256:")})
	if len(t.given) > 0 {
		parts = append(parts, Part{Name: "files on the command line", Digest: hashOf([]byte(strings.Join(t.given, "\n")))})
	}
	for _, m := range t.fixed {
		parts = append(parts, Part{Name: "module " + m, Digest: hashOf([]byte(m))})
	}
	return parts, true
}

// languageSettings returns a go.mod or go.work file without the directives that say which modules are used, of which the content or the
// version counts.
func languageSettings(text string) string {
	skip := map[string]bool{"module": true, "require": true, "exclude": true, "replace": true, "retract": true, "use": true, "tool": true, "ignore": true}
	var kept []string
	block := false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case block:
			block = words[0] != ")"
		case skip[words[0]]:
			block = words[len(words)-1] == "("
		default:
			kept = append(kept, strings.Join(words, " "))
		}
	}
	return strings.Join(kept, "\n")
}

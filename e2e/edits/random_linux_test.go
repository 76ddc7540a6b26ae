package edits

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	seed = flag.Uint64("edits.seed", 0, "seed of the random edits; 0 is a new one each time")
	more = flag.Int("edits.rounds", 0, "number of random edits of each program; 0 is a few")
)

// roundsOr returns how many random edits a test makes.
func roundsOr(usual, short int) int {
	switch {
	case *more > 0:
		return *more
	case testing.Short():
		return short
	}
	return usual
}

// TestRandomEdits edits literals and operators of random declarations, one after the other, and sometimes goes back to how the program was
// earlier. After each edit the run must give what a run without a cache gives, which try checks.
func TestRandomEdits(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	w := newWorkspace(t)
	now := w.files()
	w.goRun(".")
	earlier := []map[string]string{now}
	hits, misses := 0, 0
	for range roundsOr(20, 4) {
		next, what := earlier[random.IntN(len(earlier))], "as it was"
		if random.IntN(4) > 0 {
			next, what = mutate(t, random, now, "main.go")
		}
		w.set(next)
		r, err := w.try("go", "run", ".")
		if err != "" {
			t.Logf("%s: %.200s", what, err)
			w.set(now)
			continue
		}
		ran := r.ran(declared)
		hits, misses = hits+len(declared)-len(ran), misses+len(ran)
		t.Logf("%s: %v ran", what, ran)
		now = next
		earlier = append(earlier, now)
	}
	t.Logf("%d hits, %d misses", hits, misses)
	if hits == 0 || misses == 0 {
		t.Error("the edits show nothing: every step always ran, or never")
	}
}

// mutate changes one literal or operator in one of the files, but for those that are named.
func mutate(t *testing.T, random *rand.Rand, files map[string]string, but ...string) (map[string]string, string) {
	t.Helper()
	files = maps.Clone(files)
	for {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool {
			return path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || slices.Contains(but, name)
		})
		name := names[random.IntN(len(names))]
		points := mutations(t, files[name])
		if len(points) == 0 {
			continue
		}
		p := points[random.IntN(len(points))]
		text := files[name]
		files[name] = text[:p.from] + p.to + text[p.end:]
		return files, name + ":" + strconv.Itoa(p.line) + ": " + text[p.from:p.end] + " becomes " + p.to
	}
}

// mutation replaces bytes of a file.
type mutation struct {
	from, end, line int
	to              string
}

var opposite = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.ADD, token.LSS: token.GTR, token.GTR: token.LSS, token.EQL: token.NEQ,
}

func mutations(t *testing.T, src string) []mutation {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []mutation
	add := func(pos token.Pos, old, to string) {
		p := fset.Position(pos)
		all = append(all, mutation{p.Offset, p.Offset + len(old), p.Line, to})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind == token.INT {
				x, _ := strconv.Atoi(n.Value)
				add(n.Pos(), n.Value, strconv.Itoa(x+1))
			}
			if n.Kind == token.STRING && n.Value[0] == '"' {
				add(n.Pos(), n.Value, n.Value[:len(n.Value)-1]+"z\"")
			}
		case *ast.BinaryExpr:
			if op, ok := opposite[n.Op]; ok {
				add(n.OpPos, n.Op.String(), op.String())
			}
		}
		return true
	})
	return all
}

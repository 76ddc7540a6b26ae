package declgraph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Every way in which something may reach a step without being called by it. Each case is what a program declares beside
//
//	func A(ctx context.Context, in int) (int, error) { return <the first line>, nil }
//
// with a 1 that is edited to a 2, and must count. An edit of what is marked with 3 must not.
func TestPaths(t *testing.T) {
	t.Parallel()
	for what, src := range map[string]string{
		"a setter that another step calls": `limit
var limit = 3 - 2
func set(x int) { limit = x }
func other() { set(1) }`,
		"a setter kept in a variable": `limit
var limit = 5
func set(x int) { limit = x }
var f = set
func other() { f(1) }`,
		"a pointer that is handed on": `limit
var limit = 5
func where() *int { return &limit }
func other() { *where() = 1 }`,
		"a pointer kept in another variable": `cfg.x
var cfg config
type config struct { x int }
var holder = map[string]*config{}
func keep() { holder["a"] = &cfg }
func other() { for _, c := range holder { c.x = 1 } }`,
		"an alias of a map": `table["a"]
var table = map[string]int{}
func fill() { t := table; t["a"] = 1 }`,
		"a map that is an argument": `table["a"]
var table = map[string]int{}
func fill() { put(table, 1) }
func put(t map[string]int, x int) { t["a"] = x }`,
		"a slice that is sorted": `list[0]
var list = []int{3, 4}
func other() { sort.Slice(list, func(i, j int) bool { return list[i] < list[j]+1 }) }`,
		"a method on a variable": `app.rate
var app = &application{}
type application struct { rate int }
func (a *application) set(x int) { a.rate = x }
func other() { app.set(1) }`,
		"a method on an alias of a variable": `app.rate
var app = &application{}
type application struct { rate int }
func (a *application) set(x int) { a.rate = x }
func get() *application { return app }
func other() { get().set(1) }`,
		"a method that only another module calls": `state
var state int
type handler struct{}
func (handler) ServeHTTP(int) { state = 4 }
func other() { register(handler{}, 1) }
func register(any, int) {}`,
		"a channel": `<-queue
var queue = make(chan int, 1)
func send(x int) { queue <- x }
func other() { send(1) }`,
		"a variable of the standard library": `get(http.DefaultClient)
func get(c *http.Client) int { return int(c.Timeout) }
func other() { http.DefaultClient.Timeout = 1 }`,
		"a variable of another module": `lib.Client.Get()
func other() { lib.Client = lib.New(1) }`,
		"a function of a variable that counts": `next()
var next = counter(1)
func counter(x int) func() int { return func() int { x++; return x } }`,
		"a counter that others move on": `next()
var next = counter()
func counter() func() int { x := 0; return func() int { x++; return x } }
func other() { for range 1 { next() } }`,
		"a field of function type": `ops.f(in)
var ops = struct{ f func(int) int }{double}
func double(x int) int { return x * 1 }`,
		"an embedded interface": `s.Do(in)
var s = outer{inner{}}
type doer interface { Do(int) int }
type outer struct { doer }
type inner struct{}
func (inner) Do(x int) int { return x + 1 }`,
		"a type argument": `call[real](in)
type real struct{}
func (real) Do(x int) int { return x + 1 }
func call[T interface { Do(int) int }](x int) int { var t T; return t.Do(x) }`,
		"a type behind an alias": `alias(in).Do()
type alias = real
type real int
func (r real) Do() int { return int(r) + 1 }`,
		"a named initialiser with effects": `reg["a"]
var reg = map[string]int{}
func add(name string, x int) bool { reg[name] = x; return true }
var added = add("a", 1)`,
		"an initialiser of something else that has effects": `reg["a"]
var reg = map[string]int{}
type plugin struct { n int }
func (p plugin) install() plugin { reg["a"] = p.n; return p }
var installed = plugin{1}.install()`,
		"a literal called in an initialiser": `reg["a"]
var reg = map[string]int{}
var done = func() bool { reg["a"] = 1; return true }()`,
		"a blank initialiser": `reg["a"]
var reg = map[string]int{}
var _ = fill(reg)
func fill(m map[string]int) int { m["a"] = 1; return 0 }`,
		"a constant behind a constant": `top
const top = bottom * 2
const bottom = 1`,
		"the length of an array type": `len(table{})
type table [size]int
const size = 1`,
		"a regexp that is changed": `len(re.FindString("aa"))
var re = regexp.MustCompile("a|aa")
func other() { if 1 > 0 { re.Longest() } }`,
		"a regexp that is changed under another name": `len(re.FindString("aa"))
var re = regexp.MustCompile("a|aa")
func other() { r := re; if 1 > 0 { r.Longest() } }`,
		"an error that is compared": `check(errOne)
var errOne = errors.New("1")
func check(err error) int { return len(err.Error()) }`,
		"a predeclared name that means something else": `max(list)
var list = []int{3, 4}
func other() { max(list) }
func max(x []int) int { x[0] = 1; return x[0] }`,
		"a range that assigns": `limit
var limit = 5
func other() { for limit = range 1 { } }`,
		"an increment": `limit
var limit = 5
func other() { for range 1 { limit++ } }`,
		"main": `limit
var limit = 5
func setup() { limit = 1 }`,
		"the value of a key": `keys[0].n
var keys []*key
type key struct { n int }
func init() { keys = append(keys, one) }
var one = &key{}
func other() { m := map[*key]bool{one: true}; for k := range m { k.n = 1 } }`,
		"method value writer": `limit
var limit = 5
type s struct{}
func (s) set(x int) { limit = x }
func other() { f := s{}.set; f(1) }`,
		"generic setter": `box.v
var box holder[int]
type holder[T any] struct { v T }
func (h *holder[T]) set(x T) { h.v = x }
func other() { box.set(1) }`,
		"callback in external": `total
var total int
func init() { lib.OnStart(func() { total = 1 }) }`,
		"a deferred assignment": `total
var total int
func other() { defer func() { total = 1 }() }`,
		"struct copy alias": `cfg.m["a"]
var cfg = config{m: map[string]int{}}
type config struct { m map[string]int }
func other() { c := cfg; c.m["a"] = 1 }`,
		"slice of slice": `list[0][0]
var list = [][]int{{4}}
func other() { row := list[0]; row[0] = 1 }`,
		"pointer element": `list[0].n
var list = []*item{{}}
type item struct { n int }
func other() { for _, x := range list { x.n = 1 } }`,
		"a swap": `a
var a, b = 4, 5
func other() { a, b = b, 1 }`,
		"array slice": `arr[0]
var arr = [2]int{4, 5}
func other() { fillAll(arr[:], 1) }
func fillAll(x []int, n int) { x[0] = n }`,
		"copy": `list[0]
var list = []int{4}
func other() { copy(list, []int{1}) }`,
		"append in place": `list[0]
var list = []int{4}
func other() { _ = append(list[:0], 1) }`,
		"sort by method": `list[0]
var list = ints{4, 5}
type ints []int
func (x ints) fill(n int) { x[0] = n }
func other() { list.fill(1) }`,
		"interface var": `d.do()
var d doer = one{}
type doer interface{ do() int }
type one struct{}
func (one) do() int { return 1 }`,
		"const typed by local type": `int(k)
const k kind = 1
type kind int`,
		"closure var": `counter()
var counter = func() int { n++; return n }
var n int
func other() { n = 1 }`,
		"a receive in select": `v
var v int
var ch = make(chan int)
func other() { select { case v = <-ch: } ; send(1) }
func send(x int) { ch <- x }`,
		"embedded pointer": `o.n
var o = outer{&inner{}}
type outer struct { *inner }
type inner struct { n int }
func other() { o.n = 1 }`,
		"error type": `len(fail().Error())
func fail() error { return myErr{} }
type myErr struct{}
func (myErr) Error() string { return "1" }`,
		"range over func": `sum()
func sum() (n int) { for x := range seq { n += x }; return n }
func seq(yield func(int) bool) { yield(1) }`,
		"iota skip": `c
const ( a = iota + 1; b; c )`,
		"label and goto": `f()
func f() int { goto l; l: return 1 }`,
		"map key const": `names[k]
const k = 1
var names = map[int]int{k: 5}`,
		"struct tag": `f()
type t struct { A int "1" }
func f() int { return reflectOf(t{}) }
func reflectOf(any) int { return 0 }`,
		"setter via map of funcs": `limit
var limit = 5
func set(x int) { limit = x }
var ops = map[string]func(int){"set": set}
func other() { ops["set"](1) }`,
		"named type key map": `days[in]
type week map[int]int
const mon = 1
var days = week{mon: 5}`,
		"anonymous struct method expr": `T.m(0)
type T int
func (T) m() int { return 1 }`,
		"the time zone of all": `time.Now().Hour()
func other() { time.Local = zone(1) }
func zone(x int) *time.Location { return time.FixedZone("", x) }`,
		"a decoder of images": `decoded()
func decoded() int { _, name, _ := image.Decode(nil); return len(name) }
func register(name string) bool { image.RegisterFormat(name, "magic", nil, nil); return true }
var done = register("1")`,
		"a variable of a module whose path has no dot": `client.Default.Get()
func other() { client.Default.Set(1) }`,
		"a codec": `in
type matrix []float64
var codec = artifact.Codec[matrix]{Name: "m", Encode: encode, Decode: decode}
func encode(w io.Writer, m matrix) error { _, err := w.Write([]byte{1}); return err }
func decode(r io.Reader) (matrix, error) { return matrix{1}, nil }`,
		"a codec that is made": `in
func made(x int) artifact.Codec[int] { return artifact.Codec[int]{Name: "m", Version: x} }
var codec = made(1)`,
		"an alias with type parameters": `conv[int](in)
type list[T any] = []T
func conv[T any](x int) int { return len(list[T]{}) + size }
const size = 1`,
		"a method of a constraint": `call(impl{}, in)
type impl struct{}
func (impl) Do(x int) int { return x + 1 }
func call[T doer](t T, x int) int { return t.Do(x) }
type doer interface { Do(int) int }`,
		"an unexported interface": `probe(store)
var store any
type val struct{}
func (val) secret() int { return 1 }
func init() { store = val{} }
func probe(x any) int { if s, ok := x.(interface{ secret() int }); ok { return s.secret() }; return 0 }`,
		"a promoted method of an embedded value of another module": `c.Get()
var c = outer{}
type outer struct { lib.Base }
func (outer) Hook() int { return 1 }`,
		"a function that runs once": `get()
var once sync.Once
var v int
func get() int { once.Do(load); return v }
func load() { v = 1 }`,
		"a name that is also a label": `limit
var limit = 5
func other() { limit: for { limit = 1; break limit } }`,
		"a pointer in a channel": `cfg.x
var cfg = &config{}
type config struct { x int }
func other() { ch := make(chan *config, 1); ch <- cfg; (<-ch).x = 1 }`,
		"a type switch that names an alias": `cfg.(*config).x
var cfg any = &config{}
type config struct { x int }
func other() { switch c := cfg.(type) { case *config: c.x = 1 } }`,
		"a Stringer that writes": `state
var state int
type logger struct{}
func (logger) String() string { state = 1; return "" }
var l = logger{}
func other() { fmt.Sprint(l) }`,
		"a list that is read into": `int(buf[0])
var buf = []byte{0, 0}
func other() { strings.NewReader("1").Read(buf) }`,
		"what is not reached": `limit
var limit = 5
func other() int { return limit + 3 }
func unrelated() int { limit := 3; limit = 3; return limit }
type unused struct { limit int }
func (u *unused) change() { u.limit = 3 }`,
		"a list that others only read": `words[in]
var words = []int{5}
func other() int { return slices.Index(words, 3) + len(words) + words[3] }
func more() (n int) { for _, w := range words { n += w * 3 }; return n }`,
		"an error that others return": `check(errOne)
var errOne = errors.New("one")
func other(x int) error { if x > 3 { return errOne }; return fmt.Errorf("%w: %d", errOne, 3) }
func check(err error) int { return len(err.Error()) }`,
		"a map that is handed on twice": `table["a"]
var table = map[string]int{}
func fill() { first(table, 1) }
func first(t map[string]int, x int) { put(t, x) }
func put(t map[string]int, x int) { t["a"] = x }`,
		"a map that a method changes": `table["a"]
var table = map[string]int{}
type filler struct{}
func (filler) fill(n int, t ...map[string]int) { for _, t := range t { t["a"] = n } }
func fill() { filler{}.fill(1, table) }`,
		"a map that a function returns": `table["a"]
var table = map[string]int{}
func same(t map[string]int) map[string]int { return t }
func fill() { same(table)["a"] = 1 }`,
		"a list that a function only reads": `words[in]
var words = []int{5}
func has(x int, list ...int) bool { return slices.Contains(list, x) || len(list) > 0 && list[0] == 7 }
func other() bool { return has(3, words...) }`,
		"a function of another module": `lib.New(4)
func other() int { return lib.New(3) }
func more() any { return []any{lib.New, lib.Const, 3} }`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			expr, rest, _ := strings.Cut(src, "\n")
			program := "package main\n\nimport (\n\"context\"\n\"errors\"\n\"fmt\"\n\"net/http\"\n\"image\"\n\"io\"\n\"strings\"\n\"sync\"\n\"time\"\n\"github.com/tenon-ml/tenon/artifact\"\n\"regexp\"\n\"slices\"\n\"sort\"\n\"example.com/lib\"\n\"plain/go-client\"\n)\n\n" +
				"func A(ctx context.Context, in int) (int, error) { return " + expr + ", nil }\n\nfunc main() { setup() }\n" + rest + "\n"
			if !strings.Contains(rest, "func setup()") {
				program += "func setup() {}\n"
			}
			before := printOf(t, program)
			for i, c := range program {
				if c != '1' && c != '3' {
					continue
				}
				edited := program[:i] + "2" + program[i+1:]
				changed := printOf(t, edited) != before
				if c == '1' && !changed {
					t.Errorf("the edit is not noticed:\n%s", edited)
				}
				if c == '3' && changed && !strings.Contains(src, "1") {
					t.Errorf("the edit does not matter:\n%s", edited)
				}
			}
		})
	}
}

func printOf(t *testing.T, program string) string {
	t.Helper()
	g, ok := Link("m", []string{"plain"}, []Source{{Name: "m/main.go", File: Scan([]byte(program))}})
	if !ok {
		t.Fatalf("this does not link:\n%s", program)
	}
	before, _, _ := strings.Cut(program, "func A(")
	parts, identity, ok := g.Reach("m/main.go", 1+strings.Count(before, "\n"), false)
	if !ok {
		t.Fatal("there is no A")
	}
	return fmt.Sprint(identity, parts)
}

func TestWhatSyntaxDoesNotTell(t *testing.T) {
	t.Parallel()
	for what, src := range map[string]string{
		"linkname":           "package main\n\nimport _ \"unsafe\"\n\n//go:linkname f os.f\nfunc f()\n",
		"line directive":     "package main\n\n//line a.y:1\nfunc f() {}\n",
		"cgo":                "package main\n\nimport \"\\x43\"\n",
		"syntax error":       "package main\n\nfunc f( {}\n",
		"methods of aliases": "package main\n\ntype a = b\n\ntype b int\n\nfunc (a) m() {}\n",
	} {
		files := maps.Clone(module)
		files["m/odd.go"] = src
		var sources []Source
		for _, name := range slices.Sorted(maps.Keys(files)) {
			sources = append(sources, Source{Name: name, File: Scan([]byte(files[name]))})
		}
		if _, ok := Link("m", nil, sources); ok {
			t.Errorf("%s: it links", what)
		}
	}
	g := graphOf(t, map[string]string{"m/main.go": "package main\n\nfunc a() {}; func b() {}\n\nvar x = f(func(a, b int) (int, error) { return 1, nil }, func(a, b int) (int, error) { return 2, nil })\n\nfunc main() {}\n"})
	for line, literal := range map[int]bool{3: false, 5: true, 1: true, 2: false} {
		if _, _, ok := g.Reach("m/main.go", line, literal); ok {
			t.Errorf("a function is found on line %d", line)
		}
	}
}

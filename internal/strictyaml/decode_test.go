package strictyaml_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tenon-ml/tenon/internal/strictyaml"
)

type retry struct {
	Attempts   int8          `yaml:"attempts"`
	MaxBackoff time.Duration `yaml:"max_backoff"`
}

type embedded struct {
	Seed uint16
}

type size int64

func (s *size) UnmarshalText(text []byte) error {
	if !strings.HasSuffix(string(text), "B") {
		return errors.New("want a size such as 4GiB")
	}
	*s = size(len(text))
	return nil
}

type config struct {
	embedded
	Name      string
	LR        float64 `doc:"learning rate"`
	TestShare float32
	Deep      bool
	Retry     retry
	Hosts     []string
	Weights   map[string]float64
	ByID      map[int]retry
	Pair      [2]int
	When      time.Time
	Wait      time.Duration
	Size      size
	Limit     *int
	Extra     any
	Raw       []byte
	Rest      strictyaml.Node
	Skipped   string `yaml:"-"`
	hidden    string //nolint:unused // must not be found
}

// decode decodes a whole document.
func decode(data []byte, source string, into any) error {
	n, err := strictyaml.Parse(data, source)
	if err != nil {
		return err
	}
	return n.Decode(into)
}

func testConfig() config {
	limit := 3
	return config{Name: "kept", LR: 0.5, Retry: retry{Attempts: 2}, Hosts: []string{"kept"}, Weights: map[string]float64{"kept": 1}, Limit: &limit}
}

func sameConfig(a, b config) bool { return cmp.Equal(a, b, compare) }

var compare = cmp.Options{
	cmp.AllowUnexported(config{}, embedded{}), cmpopts.EquateNaNs(),
	cmp.Comparer(func(a, b strictyaml.Node) bool { return a.IsZero() == b.IsZero() }),
}

func TestDecode(t *testing.T) {
	t.Parallel()
	limit := 3
	shared := map[string]float64{"old": 1}
	got := config{Weights: shared, Limit: &limit, Name: "kept", Retry: retry{Attempts: 2}}
	err := decode([]byte(`
seed: 0xFF
lr: 1e-3
test-share: .25
Deep: True
retry: {max_backoff: 1m30s}
hosts: [a, "b", 'c']
weights:
  x: .nan
  y: -.inf
  z: 2
by_id: {1: {attempts: -128}}
pair: [1_000, 0b11]
when: 2026-01-31T15:04:05Z
wait: 0
size: 4GiB
limit: 7
extra: {a: [1, 2.5, yes, "1", null, true, 18446744073709551615]}
raw: aGk=
`), "run.yaml", &got)
	if err != nil {
		t.Fatal(err)
	}
	if w := got.Weights; len(w) != 3 || w["x"] == w["x"] || w["z"] != 2 {
		t.Errorf("weights: %v", w)
	}
	seven := 7
	got.Weights = nil
	want := config{
		embedded: embedded{Seed: 255}, Name: "kept", LR: 1e-3, TestShare: .25, Deep: true,
		Retry: retry{Attempts: 2, MaxBackoff: 90 * time.Second}, Hosts: []string{"a", "b", "c"},
		ByID: map[int]retry{1: {Attempts: -128}}, Pair: [2]int{1000, 3},
		When: time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC), Size: 4, Limit: &seven,
		Extra: map[string]any{"a": []any{int64(1), 2.5, "yes", "1", nil, true, uint64(18446744073709551615)}}, Raw: []byte("hi"),
	}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Error(diff)
	}
	if limit != 3 || len(shared) != 1 {
		t.Error("decoding wrote to what the defaults refer to")
	}
}

package artifact_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

func TestRef(t *testing.T) {
	t.Parallel()
	if got := artifact.New(42).Value(); got != 42 {
		t.Errorf("got %d", got)
	}
	if got := artifact.New[io.Reader](nil).Value(); got != nil {
		t.Errorf("nil of an interface type became %v", got)
	}
	if got := artifact.New[[]int](nil).Value(); got != nil {
		t.Errorf("nil slice became %v", got)
	}
	r := artifact.New([]int{1})
	same := r
	if same.Value()[0] = 2; r.Value()[0] != 2 {
		t.Error("a copy of a Ref refers to something else")
	}
}

// A Ref without a value panics with what builder and worker turn into an error that names the step.
func TestRefWithoutValue(t *testing.T) {
	t.Parallel()
	var zero artifact.Ref[int]
	building := zero
	*building.TenonRef(ref.Access{}).Handle = &ref.Handle{Edge: ref.Edge{Node: "load", Output: "rows"}}
	for name, test := range map[string]struct {
		ref  artifact.Ref[int]
		want ref.Unresolved
	}{
		"zero":     {zero, ref.Unresolved{}},
		"building": {building, ref.Unresolved{Building: true, Edge: ref.Edge{Node: "load", Output: "rows"}}},
	} {
		func() {
			defer func() {
				if got := fmt.Sprintf("%#v", recover()); got != fmt.Sprintf("%#v", test.want) {
					t.Errorf("%s: panicked with %s, want %#v", name, got, test.want)
				}
			}()
			test.ref.Value()
		}()
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	sum := [32]byte{0xab, 1}
	d := artifact.NewDigest(sum)
	want := "ab01" + strings.Repeat("0", 60)
	if string(d) != "sha256:"+want || d.Hex() != want || d.Short() != want[:12] || d.Validate() != nil {
		t.Errorf("got %s, %s, %s, %v", d, d.Hex(), d.Short(), d.Validate())
	}
	if got, err := artifact.ParseDigest(string(d)); err != nil || got != d {
		t.Errorf("parsed as %s, %v", got, err)
	}
	for _, s := range []string{"", "sha256:", want, "sha256:" + want[1:], "sha256:" + want + "0", "sha256:" + strings.ToUpper(want), "md5:" + want,
		"sha256:" + want[:60] + "../x", " sha256:" + want, strings.Repeat("x", 1<<20)} {
		got, err := artifact.ParseDigest(s)
		if !errors.Is(err, component.ErrInvalid) || got != "" || len(err.Error()) > 300 {
			t.Errorf("ParseDigest(%.80q) = %s, %.300v", s, got, err)
		}
		if short := artifact.Digest(s).Short(); len(short) > 12 {
			t.Errorf("Short of %.80q is %q", s, short)
		}
	}
}

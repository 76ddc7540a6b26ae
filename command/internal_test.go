package command

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/procgroup"
)

// What is parsed is what is written, with every brace doubled.
func TestParseLiterals(t *testing.T) {
	t.Parallel()
	double := strings.NewReplacer("{", "{{", "}", "}}")
	rapid.Check(t, func(t *rapid.T) {
		before, after := rapid.StringOf(rapid.SampledFrom([]rune("{}a:."))).Draw(t, "before"), rapid.String().Draw(t, "after")
		got, err := parse(double.Replace(before) + "{out.Name:x}" + double.Replace(after))
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, p := range got {
			if p.name == "" {
				texts = append(texts, p.text)
			} else {
				texts = append(texts, p.String())
			}
		}
		if text := strings.Join(texts, ""); text != before+"{out.Name:x}"+after {
			t.Fatalf("%q", text)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "{", "}", "{{", "}}", "{A}", "{A:b}", "{out}", "{out.A:x.y}", "{{{A}}}", "{params}", "{A{B}}", "{é}", "a{A}b{B}c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := parse(text)
		if err != nil {
			return
		}
		for i, p := range parts {
			if p.name == "" && (p.text == "" || i > 0 && parts[i-1].name == "") {
				t.Errorf("%q: part %d is %+v", text, i, p)
			}
			if p.name != "" {
				if again, err := parse(p.String()); err != nil || len(again) != 1 || again[0].String() != p.String() {
					t.Errorf("%q: %v is read as %+v, %v", text, p, again, err)
				}
			}
		}
	})
}

type strict struct {
	A   float64
	B   []int           `json:"bee"`
	C   map[string]bool `json:",omitempty"`
	D   *strict
	Raw []byte
	At  time.Time
}

// What is accepted says all of the value: written again, it is read as the same.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"A": 1, "bee": [1], "Raw": null, "At": "2026-01-02T03:04:05Z"}`, `null`, `{"a":1,"BEE":null,"C":{"x":true},"D":{"A":2,"bee":[],"raw":"","at":"2026-01-02T03:04:05Z"},"Raw":"AA==","At":"2026-01-02T03:04:05.5+01:00"}`,
		`{"A": null}`, `[]`, `{`, "\xff", `{"A":1,"A":2}`, `{"A":1} {}`, `{"A":0,"BEE":null,"C":{},"Raw":"","At":"2026-01-02T03:04:05Z"}`,
	} {
		f.Add([]byte(seed))
	}
	t := reflect.TypeFor[strict]()
	f.Fuzz(func(tt *testing.T, data []byte) {
		v, err := decodeJSON(data, t)
		if err != nil {
			return
		}
		var text bytes.Buffer
		j := &job{}
		if err := j.write(tt.Context(), &text, formJSON, t, v); err != nil {
			tt.Fatal(err)
		}
		again, err := decodeJSON(text.Bytes(), t)
		if diff := cmp.Diff(v, again, cmpopts.EquateEmpty()); err != nil || diff != "" { // omitempty leaves an empty map out
			tt.Errorf("%s became %s: %v\n%s", data, text.Bytes(), err, diff)
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "A,B,C\n", "A,B,C\n1,x,\n", "C,B,A\n2026-01-02T03:04:05Z,\"a\nb\",-1\n", "A,B\n", "A,B,C\n1,\xff,\n", "A,B,C\n\n1,,\n", "A,B,C\r\n1,\"\r\n\",\r\n"} {
		f.Add([]byte(seed))
	}
	type row struct {
		A int32
		B string
		C *time.Time
	}
	layout, err := codec.RowsOf(reflect.TypeFor[row](), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var rows bytes.Buffer
		if err := csvToParquet(&rows, bytes.NewReader(data), layout); err != nil {
			return
		}
		r, err := codec.OpenRows(bytes.NewReader(rows.Bytes()), int64(rows.Len()), layout, true)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")); r.NumRows() > int64(lines) {
			t.Errorf("%d rows of %d lines", r.NumRows(), lines)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCells(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"1": int8(1), "-128": int8(-128), "255": uint8(255), "True": true, "0": false, "1e3": 1000.0, "inf": math.Inf(1), "-Infinity": math.Inf(-1),
		"x": "x", "": "", "2026-01-02T03:04:05+01:00": time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), "AAE=": []byte{0, 1},
	} {
		v := reflect.New(reflect.TypeOf(want)).Elem()
		if err := setCell(v, text); err != nil || !cmp.Equal(want, v.Interface()) {
			t.Errorf("%q is %v, %v; want %v", text, v, err, want)
		}
	}
	for text, like := range map[string]any{
		"128": int8(0), "-1": uint(0), "1.0": 0, "1_0": 0, "": 0, "yes": false, "1,5": 0.0, "1e999": 0.0, "1e39": float32(0), "today": time.Time{}, "!": []byte{}, "\xff": "",
	} {
		if err := setCell(reflect.New(reflect.TypeOf(like)).Elem(), text); err == nil {
			t.Errorf("%q is taken for a %T", text, like)
		}
	}
}

// A program that is deaf to its being asked is killed.
func TestStop(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no asking")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")
	cmd.Stdout = w
	group, err := procgroup.Start(cmd, "COMMAND_TEST="+t.Name())
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		stop(ctx, group, ended, 10*time.Millisecond)
		close(stopped)
	}()
	cancel()
	state, err := group.Wait()
	close(ended)
	<-stopped
	if err != nil || !strings.Contains(state.String(), "killed") {
		t.Errorf("it ended with %v, %v", state, err)
	}
}

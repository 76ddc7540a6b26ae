package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update if that is right:\n%s", path, diff)
	}
}

// epoch is when every test's run starts.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// script feeds a board with events at given milliseconds.
type script struct {
	b  *board
	at time.Time
}

func newScript(nodes ...graph.Node) *script {
	s := &script{newBoard(&graph.Graph{Pipeline: "penguins", Nodes: nodes}), epoch()}
	s.b.apply(pipeline.Event{Kind: pipeline.EventRun, Time: s.at, Run: "0192e5c4-77aa-7bcd-8123-0123456789ab", RunState: metadata.RunRunning})
	return s
}

func (s *script) after(d time.Duration) *script { s.at = s.at.Add(d); return s }

func (s *script) step(name string, index int, state metadata.StepState, edit ...func(*pipeline.Event)) *script {
	e := pipeline.Event{Kind: pipeline.EventStep, Time: s.at, Step: name, Index: index, StepState: state, Attempt: 1}
	for _, f := range edit {
		f(&e)
	}
	s.b.apply(e)
	return s
}

func (s *script) progress(name string, done, total int64) *script {
	s.b.apply(pipeline.Event{Kind: pipeline.EventProgress, Time: s.at, Step: name, Index: -1, Done: done, Total: total})
	return s
}

func (s *script) end(state metadata.RunState) *script {
	s.b.apply(pipeline.Event{Kind: pipeline.EventRun, Time: s.at, RunState: state})
	return s
}

func because(text string) func(*pipeline.Event) { return func(e *pipeline.Event) { e.Reason = text } }
func elements(n int) func(*pipeline.Event)      { return func(e *pipeline.Event) { e.Elements = n } }
func attempt(n int) func(*pipeline.Event)       { return func(e *pipeline.Event) { e.Attempt = n } }
func nodes(names ...string) (ns []graph.Node) {
	for _, n := range names {
		node := graph.Node{Name: strings.TrimSuffix(n, "*")}
		if strings.HasSuffix(n, "*") {
			node.Over = &ref.Edge{Item: true}
		}
		ns = append(ns, node)
	}
	return ns
}

// middle is a run with a step in every state that a person can see.
func middle() *script {
	s := newScript(nodes("load", "split", "train", "score*", "fetch", "approve", "evaluate", "deploy", "データ準備", "report")...)
	s.step("load", -1, metadata.StepCached, because("from run 0192e5c3-1111"))
	s.step("split", -1, metadata.StepRunning).after(12*time.Millisecond).step("split", -1, metadata.StepSucceeded)
	s.step("train", -1, metadata.StepRunning).step("score", -1, metadata.StepRunning, elements(1000))
	s.step("fetch", -1, metadata.StepRunning).after(700*time.Millisecond).
		step("fetch", -1, metadata.StepRetrying, because("dial tcp 10.0.0.1:443: connection refused")).step("fetch", -1, metadata.StepRunning, attempt(2))
	for i := range 420 {
		state := metadata.StepSucceeded
		if i%100 == 7 {
			state = metadata.StepFailed
		}
		s.step("score", i, metadata.StepRunning).step("score", i, state)
	}
	s.step("approve", -1, metadata.StepWaiting, because("approval of production"))
	s.after(2*time.Second).progress("train", 600, 1000)
	s.step("データ準備", -1, metadata.StepFailed, because("open 日本.csv:\nno such file\x1b[31m or directory"))
	s.step("deploy", -1, metadata.StepSkipped, because("condition evaluate.Good was false"))
	return s.after(time.Second)
}

func TestFrames(t *testing.T) {
	t.Parallel()
	many := func() *script {
		var names []string
		for i := range 500 {
			names = append(names, fmt.Sprintf("step-%03d", i))
		}
		s := newScript(nodes(names...)...)
		for i := range 200 {
			state := metadata.StepSucceeded
			if i == 17 {
				state = metadata.StepFailed
			}
			s.step(names[i], -1, metadata.StepRunning).after(3*time.Millisecond).step(names[i], -1, state, because(map[bool]string{true: "boom"}[i == 17]))
		}
		return s.step(names[200], -1, metadata.StepRunning).step(names[300], -1, metadata.StepRunning).after(time.Second)
	}
	done := func() *script {
		s := newScript(nodes("load", "score*", "report")...)
		s.step("load", -1, metadata.StepRunning).after(1500*time.Millisecond).step("load", -1, metadata.StepSucceeded)
		s.step("score", -1, metadata.StepRunning, elements(3))
		for i := range 3 {
			s.step("score", i, metadata.StepCached)
		}
		s.step("score", -1, metadata.StepSucceeded).after(95*time.Second).step("report", -1, metadata.StepRunning).
			after(3*time.Hour).step("report", -1, metadata.StepCancelled)
		return s.end(metadata.RunCancelled)
	}
	for _, test := range []struct {
		name          string
		script        func() *script
		width, height int
		color         bool
	}{
		{"start", func() *script { return newScript(nodes("load", "train")...) }, 80, 24, false},
		{"middle-100", middle, 100, 24, false},
		{"middle-100-color", middle, 100, 24, true},
		{"middle-60", middle, 60, 24, false},
		{"middle-40", middle, 40, 24, false},
		{"middle-12", middle, 12, 24, false},
		{"middle-low", middle, 80, 7, false},
		{"many-80", many, 80, 16, false},
		{"many-3", many, 80, 3, false},
		{"done", done, 80, 24, false},
		{"empty", func() *script { return newScript() }, 80, 24, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := test.script()
			lines := frame{width: test.width, height: test.height, color: test.color, now: s.at}.render(s.b)
			if len(lines) > test.height {
				t.Errorf("%d lines on a screen with %d", len(lines), test.height)
			}
			for _, l := range lines {
				if w := textWidth(l); w > test.width {
					t.Errorf("%d cells on a screen with %d: %q", w, test.width, l)
				}
			}
			text := strings.Join(lines, "\n") + "\n"
			if test.color {
				text = strings.ReplaceAll(text, "\x1b", "<ESC>")
			}
			golden(t, filepath.Join("frames", test.name+".txt"), text)
		})
	}
}

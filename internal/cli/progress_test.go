package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/pipeline"
)

const runID = "0192e5c4-77aa-7bcd-8123-0123456789ab"

// story is a short run as an observer sees it.
func story(at time.Time, tell func(pipeline.Event)) {
	step := func(name string, index int, s metadata.StepState, edit ...func(*pipeline.Event)) {
		e := pipeline.Event{Kind: pipeline.EventStep, Time: at, Run: runID, Step: name, Index: index, StepState: s, Attempt: 1}
		for _, f := range edit {
			f(&e)
		}
		tell(e)
	}
	log := func(name string, index int, level slog.Level, text string) {
		tell(pipeline.Event{Kind: pipeline.EventLog, Time: at, Run: runID, Step: name, Index: index, Level: level, Message: text})
	}
	wait := func(d time.Duration) { at = at.Add(d) }
	tell(pipeline.Event{Kind: pipeline.EventRun, Time: at, Run: runID, RunState: metadata.RunRunning})
	step("load", -1, metadata.StepReady)
	step("load", -1, metadata.StepCached, because("from run 0192e5c3-1111"))
	step("train", -1, metadata.StepRunning)
	log("train", -1, slog.LevelInfo, "trained rows=333\x1b[2J")
	wait(20 * time.Millisecond)
	step("train", -1, metadata.StepRetrying, because("connection refused"))
	log("train", -1, slog.LevelWarn, "two\nlines")
	wait(150 * time.Millisecond)
	step("train", -1, metadata.StepRunning, attempt(2))
	tell(pipeline.Event{Kind: pipeline.EventProgress, Time: at, Run: runID, Step: "train", Index: -1, Done: 3, Total: 4})
	step("score", -1, metadata.StepRunning, elements(3))
	for i := range 3 {
		step("score", i, metadata.StepRunning)
	}
	step("score", 0, metadata.StepSucceeded)
	step("score", 2, metadata.StepSucceeded)
	log("score", 1, slog.LevelError, "bad element")
	step("score", 1, metadata.StepFailed, because("boom"))
	step("score", -1, metadata.StepFailed, because("1 of 3 elements failed: boom"), elements(3))
	wait(150 * time.Millisecond)
	step("train", -1, metadata.StepSucceeded, attempt(2))
	step("report", -1, metadata.StepSkipped, because("input from score, which failed"))
	tell(pipeline.Event{Kind: pipeline.EventRun, Time: at, Run: runID, RunState: metadata.RunFailed})
}

func storyBoard() *board {
	return newBoard(&graph.Graph{Pipeline: "penguins", Nodes: nodes("load", "train", "score*", "report")})
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLines(&out, storyBoard(), func(err error) { t.Error(err) })
	story(epoch(), l.event)
	l.note("cancelling")
	l.close()
	golden(t, "plain.txt", out.String())
}

type brokenPipe struct{ writes int }

func (b *brokenPipe) Write([]byte) (int, error) { b.writes++; return 0, errors.New("broken pipe") }

func TestBrokenOutputIsReportedOnce(t *testing.T) {
	t.Parallel()
	w, reported := &brokenPipe{}, 0
	l := newLines(w, storyBoard(), func(error) { reported++ })
	story(epoch(), l.event)
	if reported != 1 || w.writes != 1 {
		t.Errorf("reported %d times after %d writes, want once after one", reported, w.writes)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out, environ("COLUMNS=60"))
		l := newLive(s, storyBoard(), time.Now, func(err error) { t.Error(err) })
		story(time.Now(), func(e pipeline.Event) {
			time.Sleep(time.Until(e.Time))
			l.event(e)
		})
		l.close()
		l.close()
		text := out.String()
		text = strings.ReplaceAll(text, eraseBelow+"\x1b", eraseBelow+"\n\x1b") // each drawing on lines of its own
		text = strings.NewReplacer("\x1b", "<ESC>", "\r\n", "\n", "\r", "<CR>").Replace(text)
		golden(t, "live.txt", text+"\n")
	})
}

func TestRowsOfANarrowerTerminal(t *testing.T) {
	t.Parallel()
	l := &live{drawn: []int{0, 10, 80, 81}}
	for width, want := range map[int]int{100: 4, 80: 5, 40: 1 + 1 + 2 + 3, 10: 1 + 1 + 8 + 9} {
		if got := l.rowsDrawn(width); got != want {
			t.Errorf("width %d: %d rows, want %d", width, got, want)
		}
	}
}

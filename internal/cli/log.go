package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// notes shows a person what the program has to say beside its output: hooks that failed, a store that is slow. While a run is shown, it is
// shown with it.
type notes struct {
	c *cli

	mu    sync.Mutex
	shown progress // nil if nothing is
}

// during shows notes with what is shown of a run, until the returned function is called.
func (n *notes) during(p progress) (end func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shown = p
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.shown = nil
	}
}

func (n *notes) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shown != nil {
		n.shown.note(text)
		return
	}
	fmt.Fprintln(n.c.err.w, n.c.err.paint(yellow, "warning:")+" "+text)
}

// logger returns a logger for what a person should know: warnings and errors.
func (n *notes) logger() *slog.Logger { return slog.New(&noteHandler{notes: n}) }

type noteHandler struct {
	notes *notes
	attrs string // of the logger, as text
}

func (h *noteHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (h *noteHandler) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += attrText(a)
		return true
	})
	h.notes.note(oneLine(text + h.attrs))
	return nil
}

func (h *noteHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	for _, a := range attrs {
		b.WriteString(attrText(a))
	}
	return &noteHandler{h.notes, h.attrs + b.String()}
}

// WithGroup leaves groups out: the names of attributes are clear enough without.
func (h *noteHandler) WithGroup(string) slog.Handler { return h }

// attrText is an attribute for people. The reason of a warning stands for itself.
func attrText(a slog.Attr) string {
	if a.Key == "err" {
		return ": " + a.Value.String()
	}
	return " " + a.Key + "=" + a.Value.String()
}

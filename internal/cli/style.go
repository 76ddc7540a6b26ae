package cli

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// screen is one output stream: what it can show, and how wide it is.
type screen struct {
	w     io.Writer
	file  *os.File // of a terminal, or nil
	color bool
	env   func(string) string
}

func newScreen(w io.Writer, env func(string) string) *screen {
	s := &screen{w: w, env: env}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && enableANSI(f) {
		s.file = f
	}
	s.color = wantsColor(s.file != nil, env)
	return s
}

// wantsColor follows no-color.org and bixense.com/clicolors: NO_COLOR wins, then what forces, then TERM and CLICOLOR.
func wantsColor(terminal bool, env func(string) string) bool {
	forced := func(name string) bool { v := env(name); return v != "" && v != "0" && v != "false" }
	switch {
	case env("NO_COLOR") != "":
		return false
	case forced("CLICOLOR_FORCE"), forced("FORCE_COLOR"):
		return true
	case env("FORCE_COLOR") != "":
		return false
	}
	return terminal && env("TERM") != "dumb" && env("CLICOLOR") != "0"
}

// live reports whether lines can be redrawn in place.
func (s *screen) live() bool { return s.file != nil && s.env("TERM") != "dumb" }

// size returns the width and height to lay out for. A width of 0 is unlimited: what is piped is not cut.
func (s *screen) size() (width, height int) {
	if s.file != nil {
		width, height, _ = term.GetSize(int(s.file.Fd()))
		if width <= 0 {
			width = 80
		}
		if height <= 0 {
			height = 24
		}
	}
	if n, err := strconv.Atoi(s.env("COLUMNS")); err == nil && n > 0 && n < 10_000 {
		width = n
	}
	return width, height
}

// The styles: restrained, from the eight colours that every theme defines.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s *screen) paint(style, text string) string { return paint(s.color, style, text) }

func paint(on bool, style, text string) string {
	if !on || style == "" || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// textWidth returns the number of terminal cells of s, styled or not.
func textWidth(s string) int { return ansi.StringWidth(s) }

// fit cuts s to width cells, with an ellipsis. A width of 0 is unlimited.
func fit(s string, width int) string {
	if width <= 0 {
		return s
	}
	return ansi.Truncate(s, width, "…")
}

// wrap breaks s into lines of at most width cells, at spaces if it can. A width of 0 is unlimited.
func wrap(s string, width int) string {
	if width <= 0 {
		return s
	}
	return ansi.Wrap(s, width, "")
}

// pad fills s with spaces up to width cells.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-textWidth(s)))
}

// plainText makes text that comes from steps, files or other people safe to print: control characters, which could move the cursor or
// change the terminal, are shown as "·". Line breaks stay, tabs become spaces.
func plainText(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	s = ansi.Strip(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case isControl(r):
			return '·'
		}
		return r
	}, s)
}

func isControl(r rune) bool {
	return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// errorText is the plainText of an error, in which the lines of a stack stay indented.
func errorText(s string) string {
	return strings.TrimSpace(plainText(strings.ReplaceAll(s, "\n\t", "\n    ")))
}

// oneLine is plainText without line breaks.
func oneLine(s string) string {
	s = strings.TrimSpace(plainText(s))
	if !strings.Contains(s, "\n") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ")
}

// briefError is oneLine of an error without the stack that may follow it.
func briefError(s string) string {
	if i := strings.Index(s, "\n\t"); i >= 0 { // file and line of the innermost function
		s = s[:max(0, strings.LastIndexByte(s[:i], '\n'))]
	}
	return oneLine(s)
}

// clipBytes cuts s to at most n bytes, at the border of a character.
func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

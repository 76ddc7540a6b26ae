package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tenon-ml/tenon/component"
)

// Line is one log record.
type Line struct {
	Time  time.Time  `json:"time"`
	Level slog.Level `json:"level"`
	// Message with its attributes as "key=value" behind it.
	Message string `json:"msg"`
	// JSON is the whole record as one line, as it is stored.
	JSON json.RawMessage `json:"-"`
}

// Parse reads a line of JSON as slog writes it. The error's code is Corrupt.
func Parse(data []byte) (Line, error) {
	line := Line{JSON: data}
	p := lineParser{line: &line, dec: json.NewDecoder(bytes.NewReader(data))}
	if err := p.parse(); err != nil {
		return line, component.Errorf(component.Corrupt, "log line %.60q: %w", data, err)
	}
	line.Message += p.attrs.String()
	return line, nil
}

type lineParser struct {
	line  *Line
	dec   *json.Decoder
	attrs strings.Builder
	said  bool // the message came
}

func (p *lineParser) parse() error {
	if t, err := p.dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	for p.dec.More() {
		key, err := p.dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := p.dec.Decode(&value); err != nil {
			return err
		}
		if err := p.field(fmt.Sprint(key), value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	if _, err := p.dec.Token(); err != nil {
		return errors.New("its end is missing")
	}
	if p.dec.InputOffset() != int64(len(bytes.TrimRight(p.line.JSON, " \t\r\n"))) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// field takes one member. Slog writes time, level and message first, in this order: what comes behind them is an attribute, whatever
// its name.
func (p *lineParser) field(key string, value json.RawMessage) error {
	switch {
	case p.said:
	case key == slog.TimeKey:
		return json.Unmarshal(value, &p.line.Time)
	case key == slog.LevelKey:
		return json.Unmarshal(value, &p.line.Level)
	case key == slog.MessageKey:
		p.said = true
		return json.Unmarshal(value, &p.line.Message)
	}
	fmt.Fprintf(&p.attrs, " %s=%s", bare(key), plain(value))
	return nil
}

// plain shows a value as it is in JSON, a string without quotes where that is unambiguous.
func plain(value json.RawMessage) string {
	var s string
	if value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return bare(s)
	}
	return string(value)
}

func bare(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || strings.ContainsRune(" =\"", r) }) {
		return strconv.Quote(s)
	}
	return s
}

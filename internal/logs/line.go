package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

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
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return line, component.Errorf(component.Corrupt, "log line %.60q is not a JSON object", data)
	}
	var attrs strings.Builder
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return line, component.Errorf(component.Corrupt, "log line: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return line, component.Errorf(component.Corrupt, "log line: %w", err)
		}
		switch key {
		case slog.TimeKey:
			err = json.Unmarshal(value, &line.Time)
		case slog.LevelKey:
			err = json.Unmarshal(value, &line.Level)
		case slog.MessageKey:
			err = json.Unmarshal(value, &line.Message)
		default:
			fmt.Fprintf(&attrs, " %s=%s", key, plain(value))
		}
		if err != nil {
			return line, component.Errorf(component.Corrupt, "log line: %v: %w", key, err)
		}
	}
	line.Message += attrs.String()
	return line, nil
}

// plain shows a string without quotes where that is unambiguous.
func plain(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil && s != "" && !strings.ContainsAny(s, " =\"\n\t") {
		return s
	}
	return string(value)
}

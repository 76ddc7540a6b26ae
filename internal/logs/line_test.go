package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
)

func TestHandlerKeepsTheRulesOfSlog(t *testing.T) {
	t.Parallel()
	var w *Writer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		w = NewWriter(nil, nil)
		return w.Handler()
	}, func(t *testing.T) map[string]any {
		t.Helper()
		lines := readAll(t, nil, w.Close())
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		var got map[string]any
		if err := json.Unmarshal(lines[0].JSON, &got); err != nil {
			t.Fatal(err)
		}
		return got
	})
}

func TestParse(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 5*3600+45*60)
	at := time.Date(2026, 3, 29, 2, 30, 0, 123456789, zone)
	for name, c := range map[string]struct {
		data string
		want Line
	}{
		"nothing but a message": {`{"msg":"m"}`, Line{Message: "m"}},
		"time zone":             {`{"time":"2026-03-29T02:30:00.123456789+05:45","level":"INFO","msg":"m"}`, Line{Time: at, Message: "m"}},
		"between levels":        {`{"level":"WARN+2","msg":"m"}`, Line{Level: slog.LevelWarn + 2, Message: "m"}},
		"attributes named as what slog writes itself": {
			`{"time":"2026-03-29T02:30:00.123456789+05:45","level":"ERROR","msg":"m","time":12,"level":"high","msg":"other"}`,
			Line{Time: at, Level: slog.LevelError, Message: "m time=12 level=high msg=other"},
		},
		"big number":   {`{"msg":"m","n":9007199254740993}`, Line{Message: "m n=9007199254740993"}},
		"group":        {`{"msg":"m","g":{"a":1,"b":[true,null]}}`, Line{Message: `m g={"a":1,"b":[true,null]}`}},
		"ambiguous":    {`{"msg":"m","a=b":"c=d","e":"f g","h":"\"","i":"","j":"\u0007","k":"é"}`, Line{Message: `m "a=b"="c=d" e="f g" h="\"" i="" j="\a" k=é`}},
		"white space":  {" {\"msg\": \"m\"} \r\n", Line{Message: "m"}},
		"null time":    {`{"time":null,"msg":"m"}`, Line{Message: "m"}},
		"empty object": {`{}`, Line{}},
	} {
		c.want.JSON = json.RawMessage(c.data)
		got, err := Parse([]byte(c.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
		if _, offset := got.Time.Zone(); !got.Time.IsZero() && offset != 20700 {
			t.Errorf("%s: the zone is %d s", name, offset)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		"", " ", "null", "1", `"text"`, `[]`, `{`, `{"msg"`, `{"msg":`, `{"msg":"m"`, `{"msg":"m",}`, `{"msg":"m"}}`, `{"msg":"m"} x`, `{"msg":"m"}{}`,
		`{"msg":1}`, `{"time":"yesterday","msg":"m"}`, `{"time":5,"msg":"m"}`, `{"level":"LOUD","msg":"m"}`, `{"level":{},"msg":"m"}`, "{\"msg\":\"\x01\"}", `{'msg':'m'}`,
	} {
		if line, err := Parse([]byte(data)); !errors.Is(err, component.ErrCorrupt) {
			t.Errorf("%s is taken for %+v, %v", data, line, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"time":"2026-03-29T02:30:00.123456789+05:45","level":"INFO","msg":"m","a":{"b":[1]}}`))
	f.Add([]byte(`{"msg":"m"`))
	f.Add([]byte(`{"level":"INFO-9223372036854775808"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		line, err := Parse(data)
		if err != nil {
			if !errors.Is(err, component.ErrCorrupt) || len(err.Error()) > 1000+len(data) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is not JSON, and is taken for %+v", data, line)
		}
		if !bytes.Equal(line.JSON, data) {
			t.Fatalf("JSON is %q, want %q", line.JSON, data)
		}
	})
}

package secrets_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/secrets"
)

const content = "hunter2-is-long-enough"

type holder struct {
	Name   string
	Shown  secrets.Secret
	hidden secrets.Secret
	Ptr    *secrets.Secret
	Map    map[string]secrets.Secret
	Any    any
}

func hold() holder {
	s := secrets.New(content)
	return holder{"x", s, s, &s, map[string]secrets.Secret{"k": s}, []any{s}}
}

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	s, h := secrets.New(content), hold()
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10.3s", "%-v", "%t", "%b", "%e", "%c", "%U", "%o", "%z"} {
		for name, v := range map[string]any{"secret": s, "pointer": &s, "holder": h, "holder pointer": &h, "slice": []secrets.Secret{s}, "error": fmt.Errorf("with %v", s)} {
			shown[verb+" of a "+name] = fmt.Sprintf(verb, v)
		}
	}
	shown["Sprint"] = fmt.Sprint(s, &s, h)
	shown["Sprintln"] = fmt.Sprintln(s, &s, h)
	encode := func(name string, marshal func(any) ([]byte, error)) {
		for kind, v := range map[string]any{"secret": s, "pointer": &s, "holder": h, "map": map[string]any{"k": s}} {
			text, err := marshal(v)
			if err != nil {
				t.Errorf("%s of a %s: %v", name, kind, err)
			}
			shown[name+" of a "+kind] = string(text)
		}
	}
	encode("JSON", json.Marshal)
	encode("YAML", yaml.Marshal)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("login", "secret", s, "pointer", &s, "holder", h, slog.Group("g", "s", s))
		shown[name] = b.String()
	}
	shown["cmp.Diff"] = cmp.Diff(s, secrets.New("other")) + cmp.Diff(h, holder{}, cmp.AllowUnexported(holder{}))
	for name, text := range shown {
		for _, leak := range []string{content, content[:7], fmt.Sprintf("%x", content), fmt.Sprintf("%X", content)} {
			if strings.Contains(text, leak) {
				t.Errorf("%s shows the secret: %s", name, text)
			}
		}
	}
	for _, name := range []string{"%v of a secret", "%#v of a secret", "%d of a secret", "JSON of a secret", "slog text", "YAML of a map"} {
		if !strings.Contains(shown[name], secrets.Redacted) {
			t.Errorf("%s does not say that it is redacted: %s", name, shown[name])
		}
	}
}

func TestSecretIsNotWritten(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(secrets.New(content)); err == nil || bytes.Contains(b.Bytes(), []byte(content)) {
		t.Errorf("gob: %v", err)
	}
	var s secrets.Secret
	text, err := json.Marshal(secrets.New(content))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err == nil || !s.IsZero() {
		t.Errorf("a redacted secret was read back: %v", err)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	var zero, read secrets.Secret
	s := secrets.New(content)
	if s.Reveal() != content || s.IsZero() || !zero.IsZero() || zero.Reveal() != "" || fmt.Sprint(zero) != secrets.Redacted {
		t.Error("a secret is not what was put in")
	}
	if !s.Equal(secrets.New(content)) || s.Equal(zero) || !zero.Equal(secrets.New("")) || s.Equal(secrets.New(content+"x")) {
		t.Error("Equal is wrong")
	}
	if err := json.Unmarshal([]byte(`"`+content+`"`), &read); err != nil || !read.Equal(s) {
		t.Errorf("a secret in a configuration: %v", err)
	}
	if err := read.UnmarshalText([]byte(secrets.Redacted)); err == nil || errors.Unwrap(err) != nil || !read.Equal(s) {
		t.Errorf("got %v", err)
	}
}

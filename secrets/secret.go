package secrets

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a [Secret] prints.
const Redacted = "[redacted]"

// Secret is a text that does not show itself: it prints as [Redacted] wherever it is formatted, logged or encoded. The zero
// value is no secret and prints the same. A Secret is immutable and safe for concurrent use. Secrets are compared with
// [Secret.Equal]; the operator == does not compile.
type Secret struct {
	// A function, because packages that print by reflection follow pointers, and unexported fields have no say in how they are
	// printed.
	reveal func() string
}

// New returns a secret with the given content.
func New(content string) Secret { return Secret{func() string { return content }} }

// Reveal returns the content, and "" for the zero value.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether s has no content.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether two secrets have the same content, in a time that does not depend on where they differ.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// String returns [Redacted].
func (Secret) String() string { return Redacted }

// GoString returns [Redacted].
func (Secret) GoString() string { return Redacted }

// Format prints [Redacted] for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue returns [Redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText returns [Redacted]; JSON and YAML use it too.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalBinary fails: bytes are made to be read back, and a secret must not be written in the first place.
func (Secret) MarshalBinary() ([]byte, error) {
	return nil, errors.New("a secret is not written: keep its name, and get it where it is used")
}

// UnmarshalText sets the content, so that a configuration may have fields of type Secret. A redacted secret is refused.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == Redacted {
		return errors.New("holds a redacted secret: give its content, or its name")
	}
	*s = New(string(text))
	return nil
}

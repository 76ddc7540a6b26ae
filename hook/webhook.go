package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/source/location"
)

// Webhook sends events to an address, by POST. Any answer of the 200s is success. It is sent again, after growing pauses, when the server
// cannot be reached, does not answer, or answers 408, 429 or one of the 500s; how long the server asks to wait with Retry-After is
// respected. Redirects are not followed.
//
// The request carries the headers Idempotency-Key, which is [Event.Key] in every try, and Tenon-Signature if there is a secret. Errors
// name the server, never the rest of the address.
type Webhook struct {
	// URL is an https address, or an http one of this machine.
	URL string
	// Header is sent along. A name that is given here replaces Content-Type or User-Agent.
	Header map[string]string
	// Timeout of one try; 0 means ten seconds. All tries together are bounded by [WithTimeout].
	Timeout time.Duration
	// Attempts is the largest number of tries; 0 means five.
	Attempts int
	// SecretEnv names the environment variable that holds a secret with which requests are signed: Tenon-Signature is then [Sign] of
	// the body. Empty: requests are not signed.
	SecretEnv string
	// Body makes what is sent. Nil: the event as JSON.
	Body func(e Event) ([]byte, error)
	// Client sends the requests, for example through a proxy or with certificates of one's own. Nil: a client with the environment's
	// proxy and the system's certificates. Its CheckRedirect is not used.
	Client *http.Client

	pause time.Duration // before the second try; 0 means firstPause
}

const (
	defaultTry      = 10 * time.Second
	defaultAttempts = 5
	maxAttempts     = 100
	// maxBody bounds what is sent.
	maxBody = 1 << 20
)

// The headers of a request.
const (
	keyHeader       = "Idempotency-Key"
	signatureHeader = "Tenon-Signature"
)

// Sign returns the signature of a webhook's body: "sha256=" and the HMAC-SHA256 in hexadecimal. A receiver compares it with the header
// Tenon-Signature by hmac.Equal.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// String names the server, without what may be secret.
func (w Webhook) String() string {
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" {
		return "webhook"
	}
	return "webhook " + u.Scheme + "://" + u.Host
}

// Validate reports what is wrong with w, also that its secret is not set. The error's code is Invalid.
func (w Webhook) Validate() error {
	invalid := func(format string, args ...any) error {
		return component.Errorf(component.Invalid, "%s: "+format, append([]any{w.String()}, args...)...)
	}
	u, err := url.Parse(w.URL)
	switch {
	case w.URL == "":
		return invalid("the URL is empty")
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return invalid("the URL is none: want https://host/path") // the error would show it
	case u.User != nil:
		return invalid("the URL has a user name or password: send credentials in a header")
	case !location.Allowed(u):
		return invalid("want https:, or http: of this machine")
	case w.Timeout < 0:
		return invalid("timeout: %v is negative", w.Timeout)
	case w.Attempts < 0 || w.Attempts > maxAttempts:
		return invalid("attempts: %d is not between 0 and %d", w.Attempts, maxAttempts)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Header)) {
		if !token(name) || strings.ContainsFunc(w.Header[name], unicode.IsControl) {
			return invalid("header %.40q: want a name without spaces, and a value of one line", name)
		}
	}
	_, err = w.secret()
	return err
}

// token reports whether text is a name in HTTP.
func token(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// secret returns the secret, or nil if there is none.
func (w Webhook) secret() ([]byte, error) {
	if w.SecretEnv == "" {
		return nil, nil
	}
	secret := os.Getenv(w.SecretEnv)
	if secret == "" {
		return nil, component.Errorf(component.Invalid, "%s: the environment variable %s, which holds its secret, is not set", w, w.SecretEnv)
	}
	return []byte(secret), nil
}

// Notify sends e.
func (w Webhook) Notify(ctx context.Context, e Event) error {
	if err := w.Validate(); err != nil {
		return err
	}
	body, err := w.body(e)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"tenon"}}
	for name, value := range w.Header {
		header.Set(name, value)
	}
	header.Set(keyHeader, e.Key())
	secret, err := w.secret()
	if err != nil {
		return err
	}
	if secret != nil {
		header.Set(signatureHeader, Sign(secret, body))
	}
	if err := w.deliver(ctx, delivery{header, body}); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	return nil
}

func (w Webhook) body(e Event) ([]byte, error) {
	if w.Body == nil {
		return json.Marshal(e)
	}
	body, err := w.Body(e)
	if err != nil {
		return nil, fmt.Errorf("%s: make the body: %w", w, err)
	}
	if len(body) > maxBody {
		return nil, component.Errorf(component.Invalid, "%s: a body of %d bytes is too long: send at most %d", w, len(body), maxBody)
	}
	return body, nil
}

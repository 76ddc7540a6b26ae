package source

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/filememo"
	"github.com/tenon-ml/tenon/internal/ref"
	"github.com/tenon-ml/tenon/internal/source/location"
)

const (
	downloadTries = 4
	retryPause    = 500 * time.Millisecond
	// stall is how long a server may say nothing. There is no limit to a download that goes on.
	stall     = time.Minute
	redirects = 10
)

var errStalled = errors.New("the server sent nothing for " + stall.String())

// cached is what is remembered of a URL: its content in the artifact store, and how to ask the server whether it changed. Only validators
// that change with every byte are kept: a server that has none is asked for the content each time.
type cached struct {
	Digest   artifact.Digest `json:"digest"`
	Size     int64           `json:"size"`
	ETag     string          `json:"etag,omitempty"`
	Modified string          `json:"modified,omitempty"`
}

// url pins what a URL has now. It is downloaded into the artifact store, unless what is there is what the server still has.
func (p *Pinner) url(ctx context.Context, l location.Location) (ref.Pin, error) {
	memo := p.memoFile("urls", l.URL.String())
	known, err := p.recall(ctx, memo)
	if err != nil {
		return ref.Pin{}, component.Errorf(component.CodeOf(err), "source %s: look for its stored copy: %w", l, err)
	}
	pause := p.pause
	if pause == 0 {
		pause = retryPause
	}
	now, err := backoff.Retry(ctx, func() (cached, error) {
		now, err := p.download(ctx, l, known)
		if err != nil && !errors.Is(err, component.ErrUnavailable) {
			err = backoff.Permanent(err)
		}
		return now, err
	}, backoff.WithMaxTries(downloadTries), backoff.WithMaxElapsedTime(0), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: pause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 8 * pause,
	}))
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Unwrap()
	}
	if err != nil {
		return ref.Pin{}, component.Errorf(component.CodeOf(err), "source %s: %w", l, err)
	}
	if memo != "" && now != known {
		if data, err := json.Marshal(now); err == nil {
			_ = filememo.WriteFile(memo, data) // without it the next run downloads again
		}
	}
	return ref.Pin{URI: l.URL.String(), Digest: string(now.Digest), Size: now.Size, Stored: true}, nil
}

// recall returns what is remembered of a URL, if its content still is in the store.
func (p *Pinner) recall(ctx context.Context, memo string) (cached, error) {
	known, ok := readCached(memo)
	if !ok {
		return cached{}, nil
	}
	info, err := p.Store.Stat(ctx, known.Digest)
	switch code := component.CodeOf(err); {
	case code == component.NotFound, code == component.Corrupt, err == nil && info.Size != known.Size:
		return cached{}, nil
	}
	return known, err
}

func readCached(memo string) (known cached, ok bool) {
	data, err := os.ReadFile(memo)
	ok = err == nil && json.Unmarshal(data, &known) == nil && known.Digest.Validate() == nil
	return known, ok
}

// forget makes the next pin download again.
func (p *Pinner) forget(uri string) {
	if memo := p.memoFile("urls", uri); memo != "" {
		os.Remove(memo)
	}
}

// download asks the server once. The error's code is Unavailable if asking again may help.
func (p *Pinner) download(ctx context.Context, l location.Location, known cached) (cached, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer idle.Stop()
	resp, err := p.get(ctx, l.URL, known)
	idle.Stop()
	if err != nil {
		return cached{}, transferError(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && known.Digest != "" {
		return known, nil
	}
	if resp.StatusCode != http.StatusOK {
		return cached{}, statusError(resp.StatusCode)
	}
	body := &body{r: resp.Body, want: resp.ContentLength, idle: idle}
	info, err := p.Store.Put(ctx, body)
	switch {
	case body.err != nil:
		return cached{}, transferError(ctx, body.err)
	case err != nil:
		return cached{}, component.Errorf(component.CodeOf(err), "store its content: %w", err)
	}
	etag, modified := validators(resp.Header)
	return cached{Digest: info.Digest, Size: info.Size, ETag: etag, Modified: modified}, nil
}

// get sends a request and follows redirects. An http.Client would follow them to any scheme, tell each host the URL that led there, and
// quote addresses, which may hold secrets, in errors.
func (p *Pinner) get(ctx context.Context, u *url.URL, known cached) (*http.Response, error) {
	transport := p.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	for range redirects + 1 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, component.Errorf(component.Invalid, "not a URL that can be asked for")
		}
		req.Header.Set("User-Agent", "tenon")
		req.Header.Set("Accept-Encoding", "identity") // the bytes themselves, with their length
		if known.ETag != "" {
			req.Header.Set("If-None-Match", known.ETag)
		}
		if known.Modified != "" {
			req.Header.Set("If-Modified-Since", known.Modified)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		to, err := resp.Location()
		resp.Body.Close()
		if err != nil {
			return nil, component.Errorf(component.Invalid, "the server redirects to a malformed address")
		}
		if to.Scheme != "https" && (u.Scheme == "https" || !location.Allowed(to)) {
			return nil, component.Errorf(component.Invalid, "the server redirects to %s, which does not use https:, so anyone on the way could change the data", location.Redact(to.String()))
		}
		u = to
	}
	return nil, component.Errorf(component.Invalid, "the server redirects more than %d times", redirects)
}

// validators returns what tells one content of a URL from another with certainty. A weak ETag may stay when bytes change, and so may a time of
// modification that was of this moment when it was asked for.
func validators(h http.Header) (etag, modified string) {
	if tag := h.Get("ETag"); tag != "" {
		if strings.HasPrefix(tag, `"`) {
			etag = tag
		}
		return etag, ""
	}
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	asked, dateErr := http.ParseTime(h.Get("Date"))
	if err == nil && dateErr == nil && asked.Sub(changed) > 2*time.Second {
		modified = h.Get("Last-Modified")
	}
	return "", modified
}

// body counts what is read, and says by its err that the transfer failed, not what reads from it.
type body struct {
	r    io.Reader
	want int64 // negative: not known
	got  int64
	idle *time.Timer
	err  error
}

func (b *body) Read(p []byte) (int, error) {
	b.idle.Reset(stall) // not while the store writes
	n, err := b.r.Read(p)
	b.idle.Stop()
	b.got += int64(n)
	if err == io.EOF && b.want >= 0 && b.got != b.want {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// transferError explains why a request or the reading of its answer failed.
func transferError(ctx context.Context, err error) error {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case context.Cause(ctx) == errStalled: //nolint:errorlint // it is never wrapped
		return component.Errorf(component.Unavailable, "download: %w", errStalled)
	case ctx.Err() != nil:
		return component.Errorf(component.CodeOf(ctx.Err()), "download: %w", ctx.Err())
	case errors.As(err, &certificate):
		return component.Errorf(component.Unauthenticated, "download: %w", err)
	case errors.As(err, &dns) && dns.IsNotFound:
		return component.Errorf(component.NotFound, "download: the host %s is not known: check its name, and the network", dns.Name)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return component.Errorf(component.Unavailable, "download: the transfer ended before the content did: %w", err)
	case component.CodeOf(err) == component.Unknown, component.CodeOf(err) == component.DeadlineExceeded: // a time limit of the transport
		return component.Errorf(component.Unavailable, "download: %w", err)
	}
	return err
}

func statusError(status int) error {
	code, remedy := component.Invalid, "want 200 OK"
	switch {
	case status == http.StatusNotFound, status == http.StatusGone:
		code, remedy = component.NotFound, "check the URL"
	case status == http.StatusUnauthorized:
		code, remedy = component.Unauthenticated, "a source must be readable without credentials"
	case status == http.StatusForbidden:
		code, remedy = component.PermissionDenied, "a source must be readable without credentials"
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		code, remedy = component.Unavailable, "try again later"
	}
	return component.Errorf(code, "the server answered %d %s: %s", status, http.StatusText(status), remedy)
}

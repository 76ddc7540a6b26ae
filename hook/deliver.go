package hook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/tenon-ml/tenon/component"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
	// readLimit bounds what is read of an answer, which is not looked at: a connection is used again once its answer was read.
	readLimit = 64 << 10
)

// delivery is what each try sends.
type delivery struct {
	header http.Header
	body   []byte
}

// deliver tries until the server has it. The error is that of the last try.
func (w Webhook) deliver(ctx context.Context, d delivery) error {
	client, done := w.client()
	defer done()
	tries := 0
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		var again bool
		again, last = w.try(ctx, client, d)
		if last != nil && !again {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithMaxTries(uint(cmp.Or(w.Attempts, defaultAttempts))), backoff.WithMaxElapsedTime(0), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: cmp.Or(w.pause, firstPause), RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: longestPause,
	}))
	switch {
	case err == nil:
		return nil
	case tries > 1:
		return component.Errorf(component.CodeOf(last), "gave up after %d tries: %w", tries, last)
	}
	return last
}

// client returns what sends the requests, and what releases it.
func (w Webhook) client() (client *http.Client, done func()) {
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if w.Client != nil {
		own := *w.Client
		own.CheckRedirect = noRedirect
		return &own, func() {}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxResponseHeaderBytes: readLimit, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport, CheckRedirect: noRedirect}, transport.CloseIdleConnections
}

// try sends the request once. Again says that another try may help.
func (w Webhook) try(ctx context.Context, client *http.Client, d delivery) (again bool, err error) {
	patience := cmp.Or(w.Timeout, defaultTry)
	trying, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(trying, http.MethodPost, w.URL, bytes.NewReader(d.body))
	if err != nil {
		return false, component.Errorf(component.Invalid, "the URL is none") // the error would show it
	}
	req.Header = d.header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		if trying.Err() != nil && ctx.Err() == nil {
			return true, component.Errorf(component.Unavailable, "the server did not answer within %v", patience)
		}
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address
		}
		return true, component.Errorf(component.Unavailable, "%w", err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, readLimit)
	return judge(ctx, resp)
}

// judge makes an error of any answer but success.
func judge(ctx context.Context, resp *http.Response) (again bool, err error) {
	code := resp.StatusCode
	answer := fmt.Sprintf("the server answered %d %s", code, http.StatusText(code))
	switch {
	case code >= 200 && code <= 299:
		return false, nil
	case code >= 300 && code <= 399:
		return false, component.Errorf(component.Invalid, "%s, which is not followed: use the address that it leads to", answer)
	case code != http.StatusRequestTimeout && code != http.StatusTooManyRequests && code < 500:
		return false, component.Errorf(refusal(code), "%s", answer)
	}
	wait, asked := retryAfter(resp.Header.Get("Retry-After"), time.Now())
	if !asked {
		return true, component.Errorf(component.Unavailable, "%s", answer)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return false, component.Errorf(component.Unavailable, "%s and asks to come again after %v, which is too late", answer, wait.Round(time.Second))
	}
	return true, &postponed{answer, backoff.RetryAfterError{Duration: wait}}
}

func refusal(code int) component.Code {
	switch code {
	case http.StatusUnauthorized:
		return component.Unauthenticated
	case http.StatusForbidden:
		return component.PermissionDenied
	case http.StatusNotFound, http.StatusGone:
		return component.NotFound
	}
	return component.Invalid
}

// postponed is an answer that says when to come again, which backoff finds in it.
type postponed struct {
	answer string
	after  backoff.RetryAfterError
}

func (p *postponed) Error() string { return p.answer }
func (p *postponed) Unwrap() error { return &p.after }

// Is tells that the server is unavailable.
func (p *postponed) Is(target error) bool { return target == component.ErrUnavailable }

// retryAfter reads how long a server asks to wait: seconds, or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	const longest = 24 * time.Hour
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, longest), true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(date.Sub(now), 0), longest), true
}

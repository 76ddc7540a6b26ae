package source

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked without encryption") }))
	t.Cleanup(plain.Close)
	end := newServer(t, "a,b", nil)
	var referer []string
	end.answer = func(w http.ResponseWriter, r *http.Request) {
		referer = append(referer, r.Referer())
		io.WriteString(w, "a,b")
	}
	s := newServer(t, "", nil)
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/ok": "/again", "/again": end.URL + "/?token=s3cret", "/loop": "/loop", "/plain": plain.URL + "/x?token=s3cret",
			"/file": "file:///etc/passwd", "/bad": "https://me:s3cret@host:port/",
		}[r.URL.Path]
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
	p := s.pinner(t)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	pool.AddCert(end.Certificate())
	p.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool

	if got := pin(t, p, s.URL+"/ok?token=s3cret"); got.Digest != sum("a,b") || got.URI != s.URL+"/ok?token=s3cret" {
		t.Errorf("pinned %+v", got)
	}
	if diff := cmp.Diff([]string{""}, referer); diff != "" {
		t.Errorf("the next host is told who led there: %s", diff)
	}
	for path, want := range map[string]string{
		"/loop":  "the server redirects more than 10 times",
		"/plain": "the server redirects to " + plain.URL + "/x?..., which does not use https:, so anyone on the way could change the data",
		"/file":  "the server redirects to file:///etc/passwd, which does not use https:, so anyone on the way could change the data",
		"/bad":   "the server redirects to a malformed address",
	} {
		_, err := p.Pin(t.Context(), ref.SourceSlot{URI: s.URL + path})
		check(t, err, component.Invalid, "source "+s.URL+path+": "+want)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestPlainHTTPOfThisMachine(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a,b") }))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := elsewhere.URL
		if r.URL.Path == "/out" {
			to = "http://example.com/"
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
	}))
	t.Cleanup(s.Close)
	p := newPinner(t)
	p.Transport = s.Client().Transport
	t.Cleanup(s.Client().CloseIdleConnections)
	if got := pin(t, p, s.URL); got.Digest != sum("a,b") {
		t.Errorf("pinned %+v", got)
	}
	_, err := p.Pin(t.Context(), ref.SourceSlot{URI: s.URL + "/out"})
	check(t, err, component.Invalid, "the server redirects to http://example.com/, which does not use https:")
}

func TestUnknownCertificate(t *testing.T) {
	t.Parallel()
	s := newServer(t, "a", nil)
	p := newPinner(t)
	p.Transport = &http.Transport{}
	_, err := p.Pin(t.Context(), ref.SourceSlot{URI: s.URL})
	check(t, err, component.Unauthenticated, "source "+s.URL+": download: tls: failed to verify certificate: x509: ")
}

func TestServerThatIsDown(t *testing.T) {
	t.Parallel()
	s := newServer(t, "a", nil)
	s.Close()
	_, err := s.pinner(t).Pin(t.Context(), ref.SourceSlot{URI: s.URL + "/?token=s3cret"})
	check(t, err, component.Unavailable, "source "+s.URL+"/?...: download: dial tcp ")
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// roundTripper answers without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// pipe is a body that yields what is written to the other end, and heeds the request's context as that of a real one does.
func pipe(ctx context.Context) (io.ReadCloser, *io.PipeWriter) {
	r, w := io.Pipe()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	return r, w
}

func TestServerThatStalls(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]roundTripper{
		"before the answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"in the content": func(r *http.Request) (*http.Response, error) {
			body, w := pipe(r.Context())
			go io.WriteString(w, "some")
			return &http.Response{StatusCode: http.StatusOK, Body: body, ContentLength: 1000}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPinner(t)
				p.Transport = answer
				began := time.Now()
				_, err := p.Pin(t.Context(), ref.SourceSlot{URI: "https://host/rows.csv"})
				check(t, err, component.Unavailable, "source https://host/rows.csv: download: the server sent nothing for 1m0s")
				if took := time.Since(began); took < 4*time.Minute || took > 5*time.Minute {
					t.Errorf("gave up after %v", took)
				}
			})
		})
	}
}

func TestSlowDownloadThatGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPinner(t)
		p.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			body, w := pipe(r.Context())
			go func() {
				for range 100 {
					time.Sleep(50 * time.Second)
					io.WriteString(w, "x")
				}
				w.Close()
			}()
			return &http.Response{StatusCode: http.StatusOK, Body: body, ContentLength: 100}, nil
		})
		if got := pin(t, p, "https://host/rows.csv"); got.Digest != sum(strings.Repeat("x", 100)) {
			t.Errorf("pinned %+v", got)
		}
	})
}

func TestDownloadEndsWithContext(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		answer roundTripper
		code   component.Code
	}{
		"while it waits to try again": {func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }, component.DeadlineExceeded},
		"within a request": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, component.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPinner(t)
				p.pause = time.Hour
				p.Transport = end.answer
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				_, err := p.Pin(ctx, ref.SourceSlot{URI: "https://host/rows.csv"})
				check(t, err, end.code, "source https://host/rows.csv: ")
			})
		})
	}
}

// A transport that says less than it promised is noticed even if it calls that the end.
func TestShortBodyWithoutError(t *testing.T) {
	t.Parallel()
	p := newPinner(t)
	p.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("some")), ContentLength: 1000}, nil
	})
	_, err := p.Pin(t.Context(), ref.SourceSlot{URI: "https://host/rows.csv"})
	check(t, err, component.Unavailable, "the transfer ended before the content did")
	if stored(t, p, sum("some")) {
		t.Error("the beginning of the content is in the store")
	}
}

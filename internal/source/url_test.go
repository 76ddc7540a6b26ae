package source

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/ref"
)

// server is a web server with one file, which logs what it answered.
type server struct {
	*httptest.Server

	mu      sync.Mutex
	content string
	headers map[string]string
	answer  http.HandlerFunc // in place of the file, once if it clears itself
	log     []string         // "status" of each request
}

func newServer(t *testing.T, content string, headers map[string]string) *server {
	t.Helper()
	s := &server{content: content, headers: headers}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *server) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &statusWriter{ResponseWriter: out, status: 200}
	defer func() { s.log = append(s.log, strconv.Itoa(w.status)) }()
	if s.answer != nil {
		s.answer(w, r)
		return
	}
	for k, v := range s.headers {
		w.Header().Set(k, v)
	}
	modified, _ := http.ParseTime(s.headers["Last-Modified"])
	http.ServeContent(w, r, "", modified, strings.NewReader(s.content)) // answers conditional requests
}

// set changes the server's state; answers returns its log and empties it.
func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) answers() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := strings.Join(s.log, " ")
	s.log = nil
	return log
}

func (s *server) pinner(t *testing.T) *Pinner {
	t.Helper()
	p := newPinner(t)
	p.Transport = s.Client().Transport
	return p
}

const longAgo = "Mon, 02 Jan 2006 15:04:05 GMT"

func TestURLIsDownloadedOnce(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]map[string]string{
		"ETag":          {"ETag": `"1"`},
		"Last-Modified": {"Last-Modified": longAgo},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "a,b", headers)
			p := s.pinner(t)
			uri := s.URL + "/rows.csv?token=s3cret"
			want := ref.Pin{URI: uri, Digest: sum("a,b"), Size: 3, Stored: true}
			for range 3 {
				if got := pin(t, p, uri); got != want {
					t.Errorf("pinned %+v, want %+v", got, want)
				}
			}
			if got := s.answers(); got != "200 304 304" {
				t.Errorf("the server answered %s", got)
			}
			if !stored(t, p, sum("a,b")) {
				t.Error("the content is not in the store")
			}
			s.set(func() {
				s.content = "a,c"
				s.headers = map[string]string{"ETag": `"2"`, "Last-Modified": "Mon, 02 Jan 2006 15:04:06 GMT"}
			})
			if got := pin(t, p, uri); got.Digest != sum("a,c") {
				t.Errorf("new content is pinned as %+v", got)
			}
			if files, _ := filepath.Glob(filepath.Join(p.MemoDir, "urls", "*")); len(files) != 1 || strings.Contains(files[0], "s3cret") {
				t.Errorf("remembered in %v", files)
			}
		})
	}
}

func TestURLWithoutStrongValidatorIsDownloadedEachTime(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]map[string]string{
		"none":                    {},
		"weak ETag":               {"ETag": `W/"1"`},
		"weak ETag, old":          {"ETag": `W/"1"`, "Last-Modified": longAgo},
		"modified at this moment": {"Last-Modified": time.Now().UTC().Format(http.TimeFormat)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "a", headers)
			p := s.pinner(t)
			for _, content := range []string{"a", "b", "a"} {
				s.set(func() { s.content = content })
				if got := pin(t, p, s.URL); got.Digest != sum(content) {
					t.Errorf("%q is pinned as %s", content, got.Digest)
				}
			}
			if got := s.answers(); got != "200 200 200" {
				t.Errorf("the server answered %s", got)
			}
		})
	}
}

func TestURLIsDownloadedAgainWhenItsCopyIsGone(t *testing.T) {
	t.Parallel()
	s := newServer(t, "a,b", map[string]string{"ETag": `"1"`})
	p := s.pinner(t)
	first := pin(t, p, s.URL)
	if err := p.Store.Delete(t.Context(), artifact.Digest(first.Digest)); err != nil {
		t.Fatal(err)
	}
	if again := pin(t, p, s.URL); again != first || !stored(t, p, first.Digest) {
		t.Errorf("pinned %+v, then %+v", first, again)
	}
	if got := s.answers(); got != "200 200" {
		t.Errorf("the server answered %s", got)
	}
}

func TestDamagedURLMemoIsIgnored(t *testing.T) {
	t.Parallel()
	s := newServer(t, "a,b", map[string]string{"ETag": `"1"`})
	p := s.pinner(t)
	for _, damaged := range []string{"", "{", "null", `{"digest":"sha256:xy","etag":"\"1\""}`, `{"digest":"` + sum("a,b") + `","size":7,"etag":"\"1\""}`} {
		write(t, p.memoFile("urls", s.URL), damaged)
		if got := pin(t, p, s.URL); got.Digest != sum("a,b") {
			t.Errorf("memo %q: pinned %+v", damaged, got)
		}
	}
	if got := s.answers(); got != "200 200 200 200 200" {
		t.Errorf("the server answered %s", got)
	}
}

func TestDownloadStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status  int
		code    component.Code
		text    string
		answers string
	}{
		{404, component.NotFound, "the server answered 404 Not Found: check the URL", "404"},
		{410, component.NotFound, "the server answered 410 Gone: check the URL", "410"},
		{401, component.Unauthenticated, "the server answered 401 Unauthorized: a source must be readable without credentials", "401"},
		{403, component.PermissionDenied, "the server answered 403 Forbidden: a source must be readable without credentials", "403"},
		{204, component.Invalid, "the server answered 204 No Content: want 200 OK", "204"},
		{206, component.Invalid, "the server answered 206 Partial Content: want 200 OK", "206"},
		{304, component.Invalid, "the server answered 304 Not Modified: want 200 OK", "304"},
		{429, component.Unavailable, "the server answered 429 Too Many Requests: try again later", "429 429 429 429"},
		{503, component.Unavailable, "the server answered 503 Service Unavailable: try again later", "503 503 503 503"},
	}
	for _, test := range tests {
		t.Run(strconv.Itoa(test.status), func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "", nil)
			s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) }
			_, err := s.pinner(t).Pin(t.Context(), ref.SourceSlot{URI: s.URL + "/rows.csv?token=s3cret"})
			check(t, err, test.code, "source "+s.URL+"/rows.csv?...: "+test.text)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows a secret: %v", err)
			}
			if got := s.answers(); got != test.answers {
				t.Errorf("the server answered %s, want %s", got, test.answers)
			}
		})
	}
}

func TestDownloadIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t, "a,b", nil)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { // the lock is held
		if len(s.log) == 2 {
			s.answer = nil
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	if got := pin(t, s.pinner(t), s.URL); got.Digest != sum("a,b") {
		t.Errorf("pinned %+v", got)
	}
	if got := s.answers(); got != "502 502 502 200" {
		t.Errorf("the server answered %s", got)
	}
}

func TestTruncatedDownloadStoresNothing(t *testing.T) {
	t.Parallel()
	cut := func(w http.ResponseWriter) {
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // closes the connection
	}
	for name, answer := range map[string]http.HandlerFunc{
		"length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			io.WriteString(w, strings.Repeat("x", 500_000))
			cut(w)
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.Repeat("x", 500_000))
			cut(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "", nil)
			s.answer = answer
			p := s.pinner(t)
			_, err := p.Pin(t.Context(), ref.SourceSlot{URI: s.URL})
			check(t, err, component.Unavailable, "source "+s.URL+": download: the transfer ended before the content did: unexpected EOF")
			if got := s.answers(); got != "200 200 200 200" {
				t.Errorf("the server answered %s", got)
			}
			infos, err := p.Store.List(t.Context(), "", 10)
			if err != nil || len(infos) != 0 {
				t.Errorf("stored %v, %v", infos, err)
			}
		})
	}
}

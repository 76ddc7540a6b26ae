package workerrpc

import (
	"bufio"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"sync"

	"connectrpc.com/connect"
)

// answerHeaderLimit bounds the header of an answer in bytes.
const answerHeaderLimit = 64 << 10

// transport makes requests over HTTP/1.1 in the goroutine of the caller. A worker makes two of them in its life, and http.Transport, with two
// goroutines for each connection and all that it can do beside, takes a quarter longer for these. It implements connect.HTTPClient.
type transport struct {
	network, address string
	token            string

	mu     sync.Mutex // guards idle and closed
	idle   []*wire
	closed bool
}

// wire is a connection, for one request at a time.
type wire struct {
	net.Conn
	limited *io.LimitedReader // what r reads
	r       *bufio.Reader
	w       *bufio.Writer
}

// Do makes a request. The error is that of its context, once that has ended, and otherwise Unavailable.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	w, err := t.take(ctx)
	if err != nil {
		return nil, err
	}
	r.Header.Set(authorization, bearer+t.token)
	forget := context.AfterFunc(ctx, func() { _ = w.Close() })
	answer, err := w.roundTrip(r)
	if err != nil {
		forget()
		_ = w.Close()
		return nil, broken(ctx, err)
	}
	answer.Body = &answerBody{ReadCloser: answer.Body, ctx: ctx, wire: w, forget: forget, transport: t, last: answer.Close}
	return answer, nil
}

func (w *wire) roundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(w.w); err != nil {
		return nil, err
	}
	if err := w.w.Flush(); err != nil {
		return nil, err
	}
	w.limited.N = answerHeaderLimit
	answer, err := http.ReadResponse(w.r, r)
	w.limited.N = math.MaxInt64
	return answer, err
}

// broken is the error of a connection: left to itself, connect takes some of them for a cancelled call.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return connect.NewError(connect.CodeUnavailable, err)
}

// take returns a connection that is not in use.
func (t *transport) take(ctx context.Context) (*wire, error) {
	t.mu.Lock()
	if last := len(t.idle) - 1; last >= 0 {
		w := t.idle[last]
		t.idle = t.idle[:last]
		t.mu.Unlock()
		return w, nil
	}
	t.mu.Unlock()
	var d net.Dialer
	c, err := d.DialContext(ctx, t.network, t.address)
	if err != nil {
		return nil, broken(ctx, &dialError{err})
	}
	limited := &io.LimitedReader{R: c}
	return &wire{Conn: c, limited: limited, r: bufio.NewReader(limited), w: bufio.NewWriter(c)}, nil
}

// give takes back a connection whose answer was read to its end.
func (t *transport) give(w *wire) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return w.Close()
	}
	t.idle = append(t.idle, w)
	return nil
}

// close closes the connections that are not in use. The others are closed when their request ends.
func (t *transport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, w := range t.idle {
		_ = w.Close()
	}
	t.idle = nil
}

// answerBody gives the connection back at its end.
type answerBody struct {
	io.ReadCloser
	ctx       context.Context //nolint:containedctx // of the request
	wire      *wire
	forget    func() bool
	transport *transport
	// last says that the server closes the connection after this answer.
	last bool
	end  bool // was read
	once sync.Once
}

// Read implements [io.Reader].
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // a Reader's end
		b.end = true
	case err != nil:
		err = broken(b.ctx, err)
	}
	return n, err
}

// Close implements [io.Closer]. What was not read is thrown away with the connection.
func (b *answerBody) Close() error {
	var err error
	b.once.Do(func() {
		if b.forget() && b.end && !b.last {
			err = b.transport.give(b.wire)
			return
		}
		err = b.wire.Close()
	})
	return err
}

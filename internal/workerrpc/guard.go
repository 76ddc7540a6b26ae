package workerrpc

import (
	"context"
	"crypto/subtle"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/tenon-ml/tenon/component"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

const (
	// headerLimit bounds the header of a request in bytes.
	headerLimit = 8 << 10
	// requestLimit bounds a message to the server, answerLimit one to the worker: an assignment may hold many small inputs.
	requestLimit = 64 << 20
	answerLimit  = 512 << 20
)

const (
	authorization = "Authorization"
	bearer        = "Bearer "
)

var errToken = component.Errorf(component.Unauthenticated, "the token is not that of the run: only a worker that the engine started may connect")

// newHTTP returns the server's HTTP side.
func (s *Server) newHTTP() *http.Server {
	_, rpc := workerv1.NewWorkerServiceHandler(&service{s},
		connect.WithReadMaxBytes(requestLimit),
		connect.WithSendMaxBytes(answerLimit),
		connect.WithCodec(boundedCodec{}),
		connect.WithCompression("gzip", nil, nil), // it costs more than it saves on one host
		connect.WithRecover(s.panicked),
	)
	refuse := connect.NewErrorWriter()
	mux := http.NewServeMux()
	for _, call := range []string{workerv1.WorkerServiceClaimProcedure, workerv1.WorkerServiceBeatProcedure, workerv1.WorkerServiceFinishProcedure} {
		mux.Handle(call, rpc)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_ = refuse.Write(w, r, toWire(otherService(r.URL.Path)))
	})
	return &http.Server{
		Handler:           &guard{token: s.token, timeout: s.options.body, next: mux, refuse: refuse},
		ReadHeaderTimeout: s.options.header,
		MaxHeaderBytes:    headerLimit,
		BaseContext:       func(net.Listener) context.Context { return s.over },
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug), // what peers do wrong
	}
}

// panicked makes an error of a panic of the host.
func (s *Server) panicked(_ context.Context, spec connect.Spec, _ http.Header, value any) error {
	s.config.Logger.Error("a call of a worker panicked", "call", spec.Procedure, "panic", value, "stack", string(debug.Stack()))
	return connect.NewError(connect.CodeInternal, component.Errorf(component.Unknown, "the engine panicked: %v", value))
}

// guard lets only those in who bear the token, and lets nobody take forever.
type guard struct {
	token   string
	timeout time.Duration // of each message
	next    http.Handler
	refuse  *connect.ErrorWriter
}

// ServeHTTP implements [http.Handler].
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	deadlines := http.NewResponseController(w)
	_ = deadlines.SetReadDeadline(time.Now().Add(g.timeout))
	_ = deadlines.SetWriteDeadline(time.Now().Add(g.timeout))
	token, ok := strings.CutPrefix(r.Header.Get(authorization), bearer)
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) != 1 {
		w.Header().Set("Connection", "close") // and read nothing of the body
		_ = g.refuse.Write(w, r, toWire(errToken))
		return
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/proto" && kind != "application/connect+proto" {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusUnsupportedMediaType) // connect would decode JSON, too, which nobody here speaks
		return
	}
	w.Header().Set("Connection", "close") // but for who is heard to the end
	r.Body = &body{ReadCloser: r.Body, deadlines: deadlines, header: w.Header()}
	g.next.ServeHTTP(&response{ResponseWriter: w, deadlines: deadlines, timeout: g.timeout}, r)
}

// body takes back the deadline at its end, and that the connection ends: what is then read is whether the peer is still there.
type body struct {
	io.ReadCloser
	deadlines *http.ResponseController
	header    http.Header // of the answer
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.deadlines.SetReadDeadline(time.Time{})
		b.header.Del("Connection")
	}
	return n, err
}

// response gives each message time of its own.
type response struct {
	http.ResponseWriter
	deadlines *http.ResponseController
	timeout   time.Duration
}

// Write implements [io.Writer].
func (w *response) Write(p []byte) (int, error) {
	_ = w.deadlines.SetWriteDeadline(time.Now().Add(w.timeout))
	return w.ResponseWriter.Write(p)
}

// Flush implements [http.Flusher].
func (w *response) Flush() { _ = w.deadlines.Flush() }

// Unwrap leads an [http.ResponseController] to what is inside.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

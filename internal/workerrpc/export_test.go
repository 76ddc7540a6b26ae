package workerrpc

import (
	"context"
	"time"
)

// Options of a server that tests have otherwise. Zero fields are as always.
type Options struct {
	Loopback            bool
	Header, Body, Watch time.Duration
}

// ServeWith is Serve with other options.
func ServeWith(ctx context.Context, c Config, o Options) (*Server, error) {
	with := standard
	with.loopback = o.Loopback
	for _, d := range []struct {
		to *time.Duration
		d  time.Duration
	}{{&with.header, o.Header}, {&with.body, o.Body}, {&with.watch, o.Watch}} {
		if d.d > 0 {
			*d.to = d.d
		}
	}
	return serve(ctx, c, with)
}

// ConnectWith is Connect with another patience than ten seconds.
func ConnectWith(ctx context.Context, getenv func(string) string, patience time.Duration) (*Conn, error) {
	return connectTo(ctx, getenv, patience)
}

// RequestLimit is that of a message to the server.
const RequestLimit = requestLimit

// Connections are those that are open to a server.
func Connections(s *Server) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place.listener.(*limitedListener).open.Load()
}

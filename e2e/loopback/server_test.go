package loopback_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// server offers any store.
type server struct {
	store   artifact.Store
	streams atomic.Int64 // handlers that are running
}

func (s *server) unary(ctx context.Context, method string, in request) (any, error) {
	switch method {
	case "Capabilities":
		return s.store.Capabilities(), nil
	case "Stat":
		return s.store.Stat(ctx, in.Digest)
	case "Delete":
		return struct{}{}, s.store.Delete(ctx, in.Digest)
	case "List":
		return s.store.List(ctx, in.Digest, in.Limit)
	}
	return nil, component.Errorf(component.Unsupported, "method %q", method)
}

// put reads chunks. An empty one says that the content is complete: the end of the stream without it says that the client's
// reader failed.
func (s *server) put(stream grpc.ServerStream) error {
	s.streams.Add(1)
	defer s.streams.Add(-1)
	info, err := s.store.Put(stream.Context(), &chunks{receive: func(m *message) error {
		err := stream.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			return errAborted
		}
		if err == nil && len(m.GetValue()) == 0 {
			return io.EOF
		}
		return err
	}})
	if err != nil {
		return err
	}
	return stream.SendMsg(encode(info))
}

var errAborted = errors.New("the client gave up")

// open sends the info first, then chunks.
func (s *server) open(stream grpc.ServerStream) error {
	s.streams.Add(1)
	defer s.streams.Add(-1)
	var m message
	var in request
	if err := stream.RecvMsg(&m); err != nil {
		return err
	}
	if err := decode(&m, &in); err != nil {
		return err
	}
	r, err := s.store.Open(stream.Context(), in.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := stream.SendMsg(&message{}); err != nil {
		return err
	}
	buffer := make([]byte, chunkSize)
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			if err := stream.SendMsg(&message{Value: buffer[:n]}); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// chunks reads the content of messages.
type chunks struct {
	receive func(*message) error
	message message
	rest    []byte
	err     error
}

func (c *chunks) Read(p []byte) (int, error) {
	for len(c.rest) == 0 && c.err == nil {
		c.message.Reset()
		c.err = c.receive(&c.message)
		c.rest = c.message.GetValue()
	}
	if len(c.rest) == 0 {
		return 0, c.err
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

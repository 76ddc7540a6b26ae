package loopback_test

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// client is a store on the other side of a connection.
type client struct {
	conn         *grpc.ClientConn
	capabilities artifact.Capabilities
}

var _ artifact.Store = (*client)(nil)

func dial(ctx context.Context, address string) (*client, error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn}
	return c, c.call(ctx, "Capabilities", request{}, &c.capabilities)
}

func (c *client) call(ctx context.Context, method string, in request, out any) error {
	var m message
	if err := c.conn.Invoke(ctx, "/"+service+"/"+method, encode(in), &m); err != nil {
		return fromStatus(ctx, method, err)
	}
	return decode(&m, out)
}

func (c *client) Capabilities() artifact.Capabilities { return c.capabilities }

func (c *client) Stat(ctx context.Context, digest artifact.Digest) (info artifact.Info, err error) {
	return info, c.call(ctx, "Stat", request{Digest: digest}, &info)
}

func (c *client) Delete(ctx context.Context, digest artifact.Digest) error {
	return c.call(ctx, "Delete", request{Digest: digest}, &struct{}{})
}

func (c *client) List(ctx context.Context, after artifact.Digest, limit int) (infos []artifact.Info, err error) {
	return infos, c.call(ctx, "List", request{Digest: after, Limit: limit}, &infos)
}

func (c *client) Close() error { return c.conn.Close() }

func (c *client) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.conn.NewStream(streamCtx, &grpc.StreamDesc{ClientStreams: true}, "/"+service+"/Put")
	if err != nil {
		return artifact.Info{}, fromStatus(ctx, "put content", err)
	}
	readErr, err := send(ctx, stream, r)
	if err == nil {
		err = stream.CloseSend()
	}
	var m message
	if err == nil || errors.Is(err, io.EOF) { // io.EOF: the server has ended the stream and its answer says why
		err = stream.RecvMsg(&m)
	}
	if readErr != nil && ctx.Err() == nil { // the server has cleaned up by now
		return artifact.Info{}, component.Errorf(component.CodeOf(readErr), "put content: read it: %w", readErr)
	}
	if err != nil {
		return artifact.Info{}, fromStatus(ctx, "put content", err)
	}
	var info artifact.Info
	return info, decode(&m, &info)
}

// send sends what r yields, and after all of it an empty message.
func send(ctx context.Context, stream grpc.ClientStream, r io.Reader) (readErr, sendErr error) {
	buffer := make([]byte, chunkSize)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := r.Read(buffer)
		if n > 0 {
			if err := stream.SendMsg(&message{Value: buffer[:n]}); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			return nil, stream.SendMsg(&message{})
		}
		if err != nil {
			return err, nil
		}
	}
}

func (c *client) Open(ctx context.Context, digest artifact.Digest) (io.ReadCloser, error) {
	streamCtx, cancel := context.WithCancel(ctx)
	stream, err := c.conn.NewStream(streamCtx, &grpc.StreamDesc{ServerStreams: true}, "/"+service+"/Open")
	if err == nil {
		err = stream.SendMsg(encode(request{Digest: digest}))
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = stream.RecvMsg(&message{}) // the content is there
	}
	if err != nil {
		cancel()
		return nil, fromStatus(ctx, "open content "+string(digest), err)
	}
	r := &contentReader{cancel: cancel, chunks: chunks{receive: func(m *message) error {
		return fromStatus(ctx, "receive", stream.RecvMsg(m))
	}}}
	return artifact.VerifyReader(ctx, r, digest, -1), nil
}

type contentReader struct {
	chunks
	cancel context.CancelFunc
}

// Close ends the stream, also before its end.
func (r *contentReader) Close() error {
	r.cancel()
	return nil
}

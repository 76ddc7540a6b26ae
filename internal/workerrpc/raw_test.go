package workerrpc_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tenon-ml/tenon/orchestrator"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// dial connects to an engine without being a worker.
func (e *engine) dial() net.Conn {
	e.t.Helper()
	address := e.env("")[orchestrator.EnvWorker]
	network, target := "tcp", strings.TrimPrefix(address, "http://")
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		network, target = "unix", path
	}
	var d net.Dialer
	c, err := d.DialContext(context.Background(), network, target)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(testWait)); err != nil {
		e.t.Fatal(err)
	}
	return c
}

func (e *engine) token() string {
	e.t.Helper()
	b, err := os.ReadFile(e.env("")[orchestrator.EnvToken])
	if err != nil {
		e.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// request is the head of a request with a message of so many bytes.
func (e *engine) request(call string, length int64) string {
	return fmt.Sprintf("POST /tenon.worker.v1.WorkerService/%s HTTP/1.1\r\nHost: engine\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/proto\r\nContent-Length: %d\r\n\r\n", call, e.token(), length)
}

// client speaks the protocol as it is generated, without what a worker checks.
func (e *engine) client() workerv1.WorkerServiceClient {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return e.dial(), nil }}
	e.t.Cleanup(transport.CloseIdleConnections)
	return workerv1.NewWorkerServiceClient(&http.Client{Transport: bearer{e.token(), transport}}, "http://engine")
}

type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// claim claims as a worker of some version would, and returns the error.
func claimAs(t testing.TB, c workerv1.WorkerServiceClient, req *workerv1.ClaimRequest) (*workerv1.Claimed, error) {
	t.Helper()
	stream, err := c.Claim(t.Context(), req)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	if !stream.Receive() {
		return nil, stream.Err()
	}
	return stream.Msg().GetClaimed(), nil
}

func wantWire(t testing.TB, err error, want connect.Code, parts ...string) {
	t.Helper()
	if err == nil || connect.CodeOf(err) != want {
		t.Errorf("error %v, want code %v", err, want)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

package workerrpc_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/tenon-ml/tenon/internal/workerrpc"
)

// Whatever somebody writes to the socket, the connection ends, and workers go on. TOKEN stands for the token, so that more than the
// first check is reached.
func FuzzSocket(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("\x00\xff\r\n\r\n"))
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	for _, call := range []string{"Claim", "Beat", "Finish", "Dance"} {
		for kind, body := range map[string]string{"proto": "\x0a\x01r\x12\x01a", "connect+proto": "\x00\x00\x00\x00\x06\x08\x01\x10\x01\x1a\x00", "json": "{}"} {
			head := "POST /tenon.worker.v1.WorkerService/" + call + " HTTP/1.1\r\nHost: engine\r\nAuthorization: Bearer TOKEN\r\nContent-Type: application/" + kind
			f.Add([]byte(head + "\r\nContent-Length: 6\r\n\r\n" + body))
			f.Add([]byte(head + "\r\nTransfer-Encoding: chunked\r\nConnect-Timeout-Ms: 10\r\n\r\n6\r\n" + body + "\r\n0\r\n\r\n"))
		}
	}
	e := start(f, workerrpc.Options{})
	token := e.token()
	working, _ := e.claimed("working")
	f.Fuzz(func(t *testing.T, data []byte) {
		e := *e
		e.t = t
		conn := e.dial()
		go func() {
			io.Copy(conn, bytes.NewReader(bytes.ReplaceAll(data, []byte("TOKEN"), []byte(token)))) // the engine may not read it all
			if half, ok := conn.(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			}
		}()
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("the engine does not end the connection: %v", err)
		}
		if !isOpen(working.Lost()) || strings.Contains(e.log.String(), "panic") {
			t.Fatalf("a worker lost the engine, or something panicked:\n%s", e.log)
		}
		e.worksStill("other")
	})
}

package workerrpc_test

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// A worker is led to something that is no engine, or to one of another version. It says so, and ends.
func TestAnswers(t *testing.T) {
	t.Parallel()
	good := &workerv1.Claimed{Protocol: 1, Assignment: &workerv1.Assignment{Attempt: "a"}, Job: &workerv1.Job{}}
	with := func(change func(*workerv1.Claimed)) *workerv1.ClaimResponse {
		c := proto.CloneOf(good)
		change(c)
		return &workerv1.ClaimResponse{Event: &workerv1.ClaimResponse_Claimed{Claimed: c}}
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   string
		code   component.Code
	}{
		"newer protocol": {stream(with(func(c *workerv1.Claimed) { c.Protocol = 2 })), "the engine answers in the worker protocol v1.2, the worker speaks v1.1", component.FailedPrecondition},
		"no protocol":    {stream(with(func(c *workerv1.Claimed) { c.Protocol = 0 })), "the engine answers in the worker protocol v1.0", component.FailedPrecondition},
		"wrong digest": {stream(with(func(c *workerv1.Claimed) {
			c.Assignment.Inputs = []*workerv1.Record{{Digest: "x"}}
		})), "assignment: digest \"x\"", component.Invalid},
		"stop at first":       {stream(&workerv1.ClaimResponse{Event: &workerv1.ClaimResponse_Stop{Stop: &workerv1.Stop{}}}), "the engine ended the claim without an assignment", component.Unavailable},
		"nothing in it":       {stream(&workerv1.ClaimResponse{}), "the engine ended the claim without an assignment", component.Unavailable},
		"a page":              {func(w http.ResponseWriter) { w.Write([]byte("<html>")) }, "", component.Unknown},
		"not found":           {func(w http.ResponseWriter) { http.NotFound(w, nil) }, "404", component.Unsupported},
		"garbage in a stream": {raw("\x00\x00\x00\x00\x04\xff\xff\xff\xff"), "unmarshal message", component.Invalid},
		"a message of 4 GiB":  {raw("\x00\xff\xff\xff\xff"), "larger than configured max", component.Exhausted},
		"half a message":      {raw("\x00\x00\x00\x00\xffhalf"), "promised 255 bytes", component.Unknown},
		"a large header":      {func(w http.ResponseWriter) { w.Header().Set("A", strings.Repeat("x", 1<<17)) }, "unexpected EOF", component.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer srv.Close()
			env := start(t, workerrpc.Options{}).env("a").with(orchestrator.EnvWorker, srv.URL)
			conn, err := workerrpc.ConnectWith(t.Context(), env.get, 500*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = conn.Claim(t.Context(), "a")
			wantCode(t, err, c.code, c.want)
			if !isOpen(conn.Lost()) {
				t.Error("nothing was claimed, and yet lost")
			}
		})
	}
}

// stream answers with one message.
func stream(m *workerv1.ClaimResponse) func(http.ResponseWriter) {
	body, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	b.WriteByte(0)
	_ = binary.Write(&b, binary.BigEndian, uint32(len(body)))
	b.Write(body)
	return raw(b.String() + "\x02\x00\x00\x00\x02{}")
}

func raw(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/connect+proto")
		w.Write([]byte(body))
	}
}

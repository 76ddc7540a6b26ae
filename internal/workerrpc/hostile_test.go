package workerrpc_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/orchestrator"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// Who does not bear the token of the run learns nothing and does nothing.
func TestTokens(t *testing.T) {
	t.Parallel()
	e, other := start(t, workerrpc.Options{}), start(t, workerrpc.Options{})
	e.offer("a")
	good := e.token()
	t.Run("tokens", func(t *testing.T) {
		for name, token := range map[string]string{
			"wrong": strings.Repeat("0", 64), "of another run": other.token(), "cut": good[:63], "longer": good + "0", "upper case": strings.ToUpper(good) + "A",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "token")
				if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
					t.Fatal(err)
				}
				conn := workerOf(t, e.env("a").with(orchestrator.EnvToken, path))
				const want = "the token is not that of the run"
				_, err := conn.Claim(t.Context(), "a")
				wantCode(t, err, component.Unauthenticated, want)
				wantCode(t, conn.Beat(t.Context(), worker.Beat{Attempt: "a"}), component.Unauthenticated, want)
				wantCode(t, conn.Finish(t.Context(), worker.Report{Attempt: "a"}), component.Unauthenticated, want)
			})
		}
		t.Run("none", func(t *testing.T) {
			t.Parallel()
			c := e.dial()
			io.WriteString(c, "POST /tenon.worker.v1.WorkerService/Finish HTTP/1.1\r\nHost: engine\r\nContent-Type: application/proto\r\nContent-Length: 1000000000\r\n\r\n")
			if answer := wantEnd(t, c); !strings.HasPrefix(answer, "HTTP/1.1 401") { // without reading the message
				t.Errorf("answer %.200q", answer)
			}
		})
	})
	if beats, reports := e.heard("a"); e.isClaimed("a") || len(beats)+len(reports) > 0 {
		t.Errorf("they reached the host: %v, %v", beats, reports)
	}
}

// The token of a run gives access to that run alone.
func TestOtherRuns(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	e.offer("a")
	conn := workerOf(t, e.env("a").with(orchestrator.EnvRun, "other"))
	_, err := conn.Claim(t.Context(), "a")
	const want = "it gives no access to run \"other\""
	wantCode(t, err, component.PermissionDenied, want)
	wantCode(t, conn.Beat(t.Context(), worker.Beat{Attempt: "a"}), component.PermissionDenied, want)
	wantCode(t, conn.Finish(t.Context(), worker.Report{Attempt: "a"}), component.PermissionDenied, want)

	own, _ := e.claimed("b")
	foreign := []metadata.Metric{metric("b", 1), metric("a", 2)}
	wantCode(t, own.Beat(t.Context(), worker.Beat{Attempt: "b", Metrics: foreign}), component.PermissionDenied, "reports a metric of attempt \"a\"")
	foreign = []metadata.Metric{metric("b", 1)}
	foreign[0].Run = "other"
	wantCode(t, own.Finish(t.Context(), worker.Report{Attempt: "b", Metrics: foreign}), component.PermissionDenied, "of run \"other\"")
	if beats, reports := e.heard("b"); len(beats)+len(reports) > 0 {
		t.Errorf("they reached the host: %v, %v", beats, reports)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	for name, c := range map[string]struct {
		newest, oldest uint32
		want           []string // of the error; nil: it is accepted
	}{
		"the same":                    {1, 1, nil},
		"newer that can speak ours":   {7, 1, nil},
		"newer":                       {7, 2, []string{"the worker speaks the worker protocol v1.7 and no older one than v1.2, the engine v1.1", "build the engine's program with"}},
		"older":                       {0, 0, []string{"the worker speaks the worker protocol v1.0, the engine v1.1 and no older one than v1.1", "build the worker's program with"}},
		"one that contradicts itself": {1, 2, []string{"v1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e.offer(name)
			claimed, err := claimAs(t, e.client(), &workerv1.ClaimRequest{Protocol: c.newest, OldestProtocol: c.oldest, Run: runID, Attempt: name})
			if c.want == nil {
				if err != nil || claimed.GetProtocol() != 1 {
					t.Errorf("claimed %v, %v", claimed, err)
				}
				return
			}
			wantWire(t, err, connect.CodeFailedPrecondition, c.want...)
			if e.isClaimed(name) {
				t.Error("it was claimed")
			}
		})
	}
	for path, want := range map[string]string{
		"/tenon.worker.v2.WorkerService/Claim": "the worker speaks the worker protocol v2, the engine v1.1: build both with the same version of Tenon",
		"/tenon.worker.v1.WorkerService/Dance": "is no call of the worker protocol v1.1",
		"/":                                    "is no call of the worker protocol v1.1",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c := e.dial()
			io.WriteString(c, strings.Replace(e.request("Claim", 0), "/tenon.worker.v1.WorkerService/Claim", path, 1))
			answer, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if body, _ := io.ReadAll(answer.Body); !strings.Contains(string(body), want) || answer.StatusCode < 400 {
				t.Errorf("%s: %s", answer.Status, body)
			}
		})
	}
}

// What contradicts itself reaches no host.
func TestMessages(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	e.offer("a")
	record := func(change func(*workerv1.Record)) *workerv1.FinishRequest {
		good := inline("1")
		r := &workerv1.Record{Digest: string(good.Digest), Size: good.Size, Codec: good.Codec, Type: good.Type, Inline: good.Inline}
		change(r)
		return &workerv1.FinishRequest{Outputs: []*workerv1.Record{r}}
	}
	deep := &workerv1.Record{}
	for range 65 {
		deep = &workerv1.Record{Digest: string(inline("1").Digest), Codec: "gather/1", Elements: []*workerv1.Record{deep}}
	}
	t.Run("messages", func(t *testing.T) {
		for name, c := range map[string]struct {
			req  *workerv1.FinishRequest
			want string
			code connect.Code
		}{
			"digest":          {record(func(r *workerv1.Record) { r.Digest = "../../etc/passwd" }), "digest \"../../etc/passwd\"", connect.CodeInvalidArgument},
			"size":            {record(func(r *workerv1.Record) { r.Size = -1 }), "it must not be negative", connect.CodeInvalidArgument},
			"size of content": {record(func(r *workerv1.Record) { r.Size = 2 }), "the 1 bytes in its record are others", connect.CodeInvalidArgument},
			"content":         {record(func(r *workerv1.Record) { r.Inline = []byte("2") }), "the 1 bytes in its record are others", connect.CodeInvalidArgument},
			"content within": {record(func(r *workerv1.Record) {
				r.Elements = []*workerv1.Record{{Digest: r.GetDigest(), Inline: []byte("2")}}
			}), "in its record are others", connect.CodeInvalidArgument},
			"meta":             {record(func(r *workerv1.Record) { r.Meta = []byte("[1]") }), "what is known of artifact", connect.CodeInvalidArgument},
			"meta, cut":        {record(func(r *workerv1.Record) { r.Meta = []byte(`{"a":`) }), "what is known of artifact", connect.CodeInvalidArgument},
			"nested":           {&workerv1.FinishRequest{Outputs: []*workerv1.Record{deep}}, "deep", connect.CodeInvalidArgument},
			"time":             {&workerv1.FinishRequest{Started: &timestamppb.Timestamp{Nanos: -1}}, "start of the attempt", connect.CodeInvalidArgument},
			"time of a metric": {&workerv1.FinishRequest{Metrics: []*workerv1.MetricSeries{{Points: []*workerv1.MetricSeries_Point{{Time: &timestamppb.Timestamp{Seconds: 1 << 60}}}}}}, "time of a metric", connect.CodeInvalidArgument},
			"bytes":            {&workerv1.FinishRequest{Read: -1}, "bytes read", connect.CodeInvalidArgument},
			"lines of a log":   {&workerv1.FinishRequest{Logs: []*workerv1.LogChunk{{Lines: -1}}}, "lines of a log chunk", connect.CodeInvalidArgument},
			"size of a log":    {&workerv1.FinishRequest{Logs: []*workerv1.LogChunk{{Size: -1}}}, "size of a log chunk", connect.CodeInvalidArgument},
			"digest of a log":  {&workerv1.FinishRequest{Logs: []*workerv1.LogChunk{{Digest: "x"}}}, "digest \"x\"", connect.CodeInvalidArgument},
			"more than 64 MiB": {&workerv1.FinishRequest{Host: strings.Repeat("x", workerrpc.RequestLimit)}, "larger than configured max", connect.CodeResourceExhausted},
			"a million parts":  {&workerv1.FinishRequest{Outputs: make([]*workerv1.Record, 1<<20+1)}, "parts", connect.CodeInvalidArgument},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.req.Run, c.req.Attempt = runID, "a"
				_, err := e.client().Finish(t.Context(), c.req)
				wantWire(t, err, c.code, c.want)
			})
		}
	})
	if _, reports := e.heard("a"); len(reports) > 0 {
		t.Errorf("they reached the host: %v", reports)
	}
	e.worksStill("b")
}

// Peers that do not speak the protocol, or stop in the middle, are shown out, and nobody else is disturbed.
func TestPeers(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{Header: 100 * time.Millisecond, Body: 100 * time.Millisecond})
	working, _ := e.claimed("working")
	t.Run("peers", func(t *testing.T) {
		for name, c := range map[string]struct {
			say  string
			want string // the first line of the answer begins with it; empty: any or none
		}{
			"never speaks":               {"", ""},
			"garbage":                    {"\x16\x03\x01\x00\xff\x00\n\n\r\n\r\n", "HTTP/1.1 400"},
			"half a header":              {"POST /tenon.worker.v1.WorkerService/Claim HTTP/1.1\r\nHost: eng", ""},
			"half a message":             {e.request("Finish", 1000) + "half", ""},
			"a header without end":       {"GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 1<<16), "HTTP/1.1 431"},
			"a message of 9 EB":          {e.request("Finish", 9e18), ""},
			"a message of another kind":  {strings.Replace(e.request("Finish", 2)+"{}", "application/proto", "application/json", 1), "HTTP/1.1 415"},
			"a message that is none":     {strings.Replace(e.request("Finish", 4)+"\xff\xff\xff\xff", "Content-Type", "Connection: close\r\nContent-Type", 1), "HTTP/1.1 400"},
			"the other version of HTTP":  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
			"garbage after a message":    {e.request("Finish", 0) + "\x00\x00\r\n\r\n", "HTTP/1.1 403"},
			"a request for another host": {"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", "HTTP/1.1 4"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn := e.dial()
				go io.WriteString(conn, c.say) // the engine may not read it all
				if name == "a request to be something" {
					conn.SetReadDeadline(time.Now().Add(time.Second)) // it may ask on
				}
				if answer := wantEnd(t, conn); !strings.HasPrefix(answer, c.want) {
					t.Errorf("answer %.200q", answer)
				}
			})
		}
	})
	if !isOpen(working.Lost()) {
		t.Error("a worker lost the engine")
	}
	if err := working.Finish(t.Context(), worker.Report{Attempt: "working"}); err != nil {
		t.Errorf("the worker beside them: %v", err)
	}
	e.worksStill("after")
}

// Who trickles bytes gets no more time than others.
func TestSlowPeers(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{Header: 100 * time.Millisecond, Body: 100 * time.Millisecond})
	for name, say := range map[string]string{"header": "POST / HTTP/1.1\r\nA: ", "message": e.request("Finish", 1000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := e.dial()
			if _, err := io.WriteString(conn, say); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				io.Copy(io.Discard, conn)
			}()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for since := time.Now(); time.Since(since) < testWait; {
				select {
				case <-tick.C:
					conn.Write([]byte("x"))
				case <-ended:
					return
				}
			}
			t.Error("the engine still listens")
		})
	}
}

// Many silent connections keep nobody out.
func TestCrowd(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{Header: 500 * time.Millisecond})
	for range 300 {
		e.dial()
	}
	e.worksStill("a")
}

// wantEnd waits for the other side to end the connection, and returns what it said.
func wantEnd(t *testing.T, c net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the engine does not end the connection: %v", err)
	}
	return string(answer)
}

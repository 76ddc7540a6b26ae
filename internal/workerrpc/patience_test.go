//go:build unix

package workerrpc_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/workerrpc"
	"github.com/tenon-ml/tenon/orchestrator"
)

// An engine that was killed leaves its socket. A worker that finds nobody there does not wait as for one that may come back.
func TestEngineWasKilled(t *testing.T) {
	t.Parallel()
	e := start(t, workerrpc.Options{})
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const patience = time.Hour
	conn, err := workerrpc.ConnectWith(t.Context(), e.env("a").with(orchestrator.EnvWorker, "unix://"+path).get, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Claim(t.Context(), "a")
	wantCode(t, err, component.Unavailable, "no engine answers: dial unix "+path)
}

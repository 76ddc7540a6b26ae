package workerrpc

import (
	"io"
	"net"
	"testing"
	"time"
)

// Connections beyond the limit are closed, and there is room again when others end.
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		limit := &limitedListener{Listener: l, limit: 2}
		for {
			c, err := limit.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.DialTimeout("tcp", l.Addr().String(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	if n, err := dial().Read(make([]byte, 1)); err == nil || n > 0 {
		t.Error("a third connection is served")
	}
	first.Close()
	first.Close() // counts once
	last := dial()
	go io.WriteString(last, "x")
	c := <-accepted
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a third connection is served after one was closed twice")
	}
	c.Close()
	second.Close()
}

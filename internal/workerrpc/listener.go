package workerrpc

import (
	"net"
	"sync"
	"sync/atomic"
)

// connectionLimit bounds the connections to one socket. A worker has two.
const connectionLimit = 2048

// limited closes connections beyond the limit at once. Who belongs here tries again, and those that do not say who they are end soon.
func limited(l net.Listener) net.Listener {
	return &limitedListener{Listener: l, limit: connectionLimit}
}

type limitedListener struct {
	net.Listener
	limit int64
	open  atomic.Int64
}

// Accept implements [net.Listener].
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.limit {
			return &limitedConn{Conn: c, closed: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		_ = c.Close()
	}
}

type limitedConn struct {
	net.Conn
	closed func()
}

// Close implements [net.Conn].
func (c *limitedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

// CloseWrite tells the peer that nothing follows, so that it reads the last answer to its end.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

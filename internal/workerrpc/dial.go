package workerrpc

import (
	"context"
	"net"
	"time"
)

// dialer connects to an engine that may just be making its socket again, or have too many connections at the moment.
type dialer struct {
	network, address string
	patience         time.Duration
	// over and lost end the wait.
	over context.Context //nolint:containedctx // the life of the Conn
	lost <-chan struct{}
}

func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.patience-d.patience/10) // before the call gives up, which does not know why
	defer cancel()
	defer context.AfterFunc(d.over, cancel)()
	var conn net.Conn
	err := patiently(ctx, d.lost, func() (again bool, err error) {
		var n net.Dialer
		conn, err = n.DialContext(ctx, d.network, d.address)
		return true, err
	})
	return conn, err
}

// patiently repeats f while it fails with an error that may pass, with growing pauses, until ctx ends or lost is closed. It returns f's error.
func patiently(ctx context.Context, lost <-chan struct{}, f func() (again bool, err error)) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		again, err := f()
		if err == nil || !again {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
			continue
		case <-ctx.Done():
		case <-lost:
		}
		timer.Stop()
		return err
	}
}

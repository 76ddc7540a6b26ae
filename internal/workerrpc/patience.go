package workerrpc

import (
	"context"
	"errors"
	"syscall"
	"time"

	"connectrpc.com/connect"
)

// refusal is how long nobody may listen at a socket that is there: an engine that makes its socket again listens at once, and one that was
// killed leaves it.
const refusal = time.Second

// patiently repeats f while it fails with an error that may pass, with growing pauses, until patience or ctx ends or lost is closed: the engine
// may just be making its socket again, or have too many connections at the moment. It returns f's last error, but none that says no more
// than that ctx has ended if there was another before.
func patiently(ctx context.Context, patience time.Duration, lost <-chan struct{}, f func() (again bool, err error)) error {
	var last error
	end := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		again, err := f()
		if errors.Is(err, syscall.ECONNREFUSED) {
			if limit := time.Now().Add(refusal); limit.Before(end) {
				end = limit
			}
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && last != nil:
			return last
		case !again || time.Now().Add(pause).After(end):
			return err
		}
		last = err
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

// transient reports whether a connection failed before there was an answer.
func transient(err error) bool {
	return connect.CodeOf(err) == connect.CodeUnavailable && !connect.IsWireError(err)
}

// unsent reports whether there was no connection at all.
func unsent(err error) bool {
	var dial *dialError
	return errors.As(err, &dial)
}

// dialError is that of an engine to which there is no connection.
type dialError struct{ err error }

func (e *dialError) Error() string { return "no engine answers: " + e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

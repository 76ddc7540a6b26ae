package engine

import (
	"errors"
	"fmt"
)

// apart calls a function that uses codecs, which may be the user's, in a goroutine of its own: a codec that calls runtime.Goexit must not end
// the goroutine of the caller, who would never answer. What it does instead of returning becomes an error.
func apart(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("the codec ended its goroutine with runtime.Goexit: return an error instead")
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the codec panicked: %v", r)
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}

//go:build !windows

package scratch

import (
	"errors"
	"syscall"
)

func lockUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)
}

package scratch

import (
	"errors"

	"golang.org/x/sys/windows"
)

func lockUnsupported(err error) bool { return errors.Is(err, windows.ERROR_NOT_SUPPORTED) }

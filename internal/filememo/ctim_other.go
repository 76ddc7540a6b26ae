//go:build unix && !linux && !darwin && !freebsd && !netbsd

package filememo

import (
	"syscall"
	"time"
)

func changeTime(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctim.Unix()) }

package gc

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/tenon-ml/tenon/component"
)

// holder says who holds a lock, for people.
type holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Prepare makes the file that [Acquire] locks, if there is none: on a full disk it could not be made. Without it Acquire makes it.
func Prepare(path string) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
		_ = f.Close()
	}
}

// Acquire takes the lock in a file, which it makes if there is none, so that there is one collector at a time; release gives it back. The system
// gives it back when the process ends, however it ends. If another holds it the error's code is FailedPrecondition, and it says who.
func Acquire(path string) (release func(), err error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	locked, err := l.TryLock()
	if err != nil {
		_ = l.Close()
		return nil, component.Errorf(component.Unavailable, "lock %s, so that there is one garbage collector at a time: %w", path, err)
	}
	if !locked {
		_ = l.Close()
		return nil, component.Errorf(component.FailedPrecondition, "another garbage collector is at work%s: wait for its end (it holds %s)", who(path), path)
	}
	host, _ := os.Hostname()
	if text, err := json.Marshal(holder{host, os.Getpid(), time.Now().Round(time.Second)}); err == nil {
		_ = os.WriteFile(path, text, 0o600) // for people; Windows does not let a locked file be written
	}
	// The file stays: removing it would let two processes lock two files of the same name.
	return func() { _ = l.Close() }, nil
}

// who reads who holds a lock; "" if that cannot be read.
func who(path string) string {
	var h holder
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &h) != nil || h.PID == 0 {
		return ""
	}
	return fmt.Sprintf(", process %d on %s since %s", h.PID, h.Host, h.Since.Format(time.DateTime))
}

package trial

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Torn returns how many bytes of a transaction that did not get to its end are in the log of the database, as programs left it that were
// killed. It must be asked before anybody opens the database.
//
// The log is a head of 32 bytes and frames, each a head of 24 bytes and a page: https://www.sqlite.org/fileformat2.html#walformat. What was
// written since the log last began anew has the salt that is in its head; the last frame of a transaction has the size of the database, and
// each frame a checksum over all before it.
func (s *Site) Torn(t testing.TB) int {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.Home, "tenon.db-wal"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	const head, frameHead = 32, 24
	if len(log) < head {
		return len(log)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if log[3]&1 == 1 {
		order = binary.BigEndian
	}
	page := int(binary.BigEndian.Uint32(log[8:]))
	var sum checksum
	sum.add(order, log[:24])
	whole := head
	at := head
	for at+frameHead+page <= len(log) {
		frame := log[at : at+frameHead+page]
		if string(frame[8:16]) != string(log[16:24]) {
			return at - whole // an old frame
		}
		sum.add(order, frame[:8])
		sum.add(order, frame[frameHead:])
		if sum != (checksum{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])}) {
			return at + frameHead - whole // at least its head
		}
		at += len(frame)
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			whole = at
		}
	}
	return len(log) - whole
}

// checksum is that of SQLite's log.
type checksum [2]uint32

func (c *checksum) add(order binary.ByteOrder, data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c[0] += order.Uint32(data) + c[1]
		c[1] += order.Uint32(data[4:]) + c[0]
	}
}

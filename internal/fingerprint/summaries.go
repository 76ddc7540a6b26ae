package fingerprint

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"os"
	"runtime"
	"sync"

	"github.com/tenon-ml/tenon/internal/filememo"
	"github.com/tenon-ml/tenon/internal/fingerprint/declgraph"
)

// summaryMemo remembers what files declare by the digest of their content, so that an unchanged file is parsed once. One that
// cannot be read or written costs time, and is no error. Its file holds a checksum, and then for each summary its key and its bytes,
// both with their lengths before them; a summary is decoded when it is asked for.
type summaryMemo struct {
	path  string            // "" remembers nothing
	known map[string][]byte // nil until needed
	fresh map[string][]byte
	dirty bool
}

// scope says how much of a file is summarised.
type scope string

const (
	whole   scope = "d"
	imports scope = "i"
)

func newSummaryMemo(path string) *summaryMemo {
	return &summaryMemo{path: path, fresh: map[string][]byte{}}
}

// request asks for the summary of a file with the given content.
type request struct{ digest, path string }

// of returns the summaries of files, nil for those that cannot be read or are not what was digested.
func (m *summaryMemo) of(ctx context.Context, s scope, files []request) []*declgraph.File {
	m.load()
	out := make([]*declgraph.File, len(files))
	made := make([][]byte, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				if f, ok := declgraph.Decode(m.known[string(s)+files[i].digest]); ok {
					out[i] = f
				} else if ctx.Err() == nil {
					out[i], made[i] = summarise(s, files[i])
				}
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	for i, data := range made {
		key := string(s) + files[i].digest
		if data != nil {
			m.fresh[key], m.dirty = data, true
		} else if old, ok := m.known[key]; ok {
			m.fresh[key] = old
		}
	}
	return out
}

func summarise(s scope, r request) (*declgraph.File, []byte) {
	src, err := os.ReadFile(r.path)
	if err != nil || hashOf(src) != r.digest {
		return nil, nil
	}
	f := declgraph.Imports
	if s == whole {
		f = declgraph.Scan
	}
	file := f(src)
	return file, file.Encode()
}

func (m *summaryMemo) load() {
	if m.known != nil {
		return
	}
	m.known = map[string][]byte{}
	if m.path == "" {
		return
	}
	data, err := os.ReadFile(m.path)
	if err != nil || len(data) < 4 || crc32.Checksum(data[4:], castagnoli()) != binary.BigEndian.Uint32(data) {
		return
	}
	data = data[4:]
	field := func() []byte {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			data = nil
			return nil
		}
		f := data[size : size+int(n)]
		data = data[size+int(n):]
		return f
	}
	for len(data) > 0 {
		key := string(field())
		m.known[key] = field()
	}
}

// save writes what this process saw beside what others remembered, atomically.
func (m *summaryMemo) save() {
	const keep = 20_000 // files that were not seen now
	if m.path == "" || !m.dirty {
		return
	}
	all := maps.Clone(m.fresh)
	if len(m.known) <= keep {
		maps.Copy(all, m.known)
		maps.Copy(all, m.fresh)
	}
	var data []byte
	for key, summary := range all {
		data = binary.AppendUvarint(data, uint64(len(key)))
		data = append(data, key...)
		data = binary.AppendUvarint(data, uint64(len(summary)))
		data = append(data, summary...)
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, castagnoli()))
	if filememo.WriteFile(m.path, append(sum, data...)) == nil {
		m.dirty = false
	}
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

package codedoc

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/fingerprint"
)

// Version of the form. A change that an older reader would misunderstand raises it.
const Version = 1

// Limits of a document: larger ones are not written and not read.
const (
	sizeLimit = 4 << 20  // bytes
	rawLimit  = 32 << 20 // bytes before compression
	partLimit = 1 << 18  // parts of one fingerprint, and of all together
)

const digestSize = 32

type form struct {
	Version int              `json:"version"`
	Files   []string         `json:"files"`
	Names   []string         `json:"names"`
	Places  []int            `json:"places"`
	Digests []byte           `json:"digests"`
	Sets    map[string][]int `json:"sets"`
}

// Encode returns the document, nil if there is nothing to tell or too much. The same parts added in the same order give the same bytes.
// The error's code is Invalid, for a digest that is none.
func (c *Code) Encode() ([]byte, error) {
	if c == nil || len(c.sets) == 0 || len(c.parts) > partLimit {
		return nil, nil
	}
	f := form{
		Version: Version, Names: make([]string, len(c.parts)), Places: make([]int, 0, 2*len(c.parts)),
		Digests: make([]byte, 0, digestSize*len(c.parts)), Sets: make(map[string][]int, len(c.sets)),
	}
	files := map[string]int{"": 0}
	size := 0
	for i, p := range c.parts {
		at, known := files[p.File]
		if !known {
			f.Files = append(f.Files, p.File)
			at = len(f.Files)
			files[p.File] = at
			size += len(p.File)
		}
		f.Names[i] = p.Name
		f.Places = append(f.Places, at, p.Line)
		var err error
		if f.Digests, err = hex.AppendDecode(f.Digests, []byte(p.Digest)); err != nil || len(f.Digests) != (i+1)*digestSize {
			return nil, component.Errorf(component.Invalid, "record the code: the digest of %.200s is %.80q", p.Name, p.Digest)
		}
		size += len(p.Name) + len(p.Digest) + 16
	}
	for mark, set := range c.sets {
		for _, s := range set {
			f.Sets[mark] = append(f.Sets[mark], s.first, s.count)
		}
		size += len(mark) + 8*len(set)
	}
	if size > rawLimit/2 { // what JSON adds is far less
		return nil, nil
	}
	data, err := json.Marshal(f)
	if err != nil {
		return nil, component.Errorf(component.Invalid, "record the code: %w", err)
	}
	packed, err := compress(data)
	if err != nil || len(packed) > sizeLimit {
		return nil, err
	}
	return packed, nil
}

func compress(data []byte) ([]byte, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("record the code: %w", err)
	}
	return e.EncodeAll(data, nil), nil
}

// Parse reads a document. The error's code is Corrupt, or Unsupported for another version.
func Parse(data []byte) (*Code, error) {
	raw, err := decompress(data)
	if err != nil {
		return nil, err
	}
	var f form
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, component.Errorf(component.Corrupt, "code: %w", err)
	}
	if f.Version != Version {
		return nil, component.Errorf(component.Unsupported, "code: version %d is not supported, want %d: use a matching version of Tenon", f.Version, Version)
	}
	n := len(f.Names)
	if n > partLimit || len(f.Places) != 2*n || len(f.Digests) != n*digestSize {
		return nil, component.Errorf(component.Corrupt, "code: %d names, %d places and %d bytes of digests do not fit together", n, len(f.Places), len(f.Digests))
	}
	c := &Code{parts: make([]fingerprint.Part, n), sets: make(map[string][]span, len(f.Sets))}
	for i := range c.parts {
		file, line := f.Places[2*i], f.Places[2*i+1]
		if file < 0 || file > len(f.Files) || line < 0 {
			return nil, component.Errorf(component.Corrupt, "code: part %d is in file %d of %d, line %d", i, file, len(f.Files), line)
		}
		c.parts[i] = fingerprint.Part{Name: f.Names[i], Line: line, Digest: hex.EncodeToString(f.Digests[i*digestSize : (i+1)*digestSize])}
		if file > 0 {
			c.parts[i].File = f.Files[file-1]
		}
	}
	for mark, numbers := range f.Sets {
		if c.sets[mark], err = spans(numbers, n); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func decompress(data []byte) ([]byte, error) {
	if len(data) > sizeLimit {
		return nil, component.Errorf(component.Corrupt, "code: %d bytes, at most %d are read", len(data), sizeLimit)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(rawLimit), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("code: %w", err)
	}
	defer d.Close()
	raw, err := d.DecodeAll(data, nil)
	if err != nil {
		return nil, component.Errorf(component.Corrupt, "code: %w", err)
	}
	return raw, nil
}

// spans reads a set of the first n parts.
func spans(numbers []int, n int) ([]span, error) {
	set, total := make([]span, 0, len(numbers)/2), 0
	if len(numbers)%2 != 0 || len(numbers) == 0 {
		return nil, component.Errorf(component.Corrupt, "code: a set has %d numbers, want pairs", len(numbers))
	}
	for i := 0; i < len(numbers); i += 2 {
		s := span{numbers[i], numbers[i+1]}
		if s.first < 0 || s.first >= n || s.count < 1 || s.count > n-s.first {
			return nil, component.Errorf(component.Corrupt, "code: a set has %d parts from %d on, and there are %d", s.count, s.first, n)
		}
		if total += s.count; total > partLimit {
			return nil, component.Errorf(component.Corrupt, "code: a set has more than %d parts", partLimit)
		}
		set = append(set, s)
	}
	return set, nil
}

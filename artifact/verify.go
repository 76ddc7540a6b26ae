package artifact

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/tenon-ml/tenon/component"
)

// VerifyReader returns a reader of r's bytes that implements the promise of [Store.Open]; it is for authors of flavors.
// Want is the digest that the bytes must have. Size is their number, or negative if it is not known.
//
// When r has fewer or more bytes than size, or bytes of another digest, Read returns an error with code Corrupt that names
// the digest. If size is known, the last bytes are handed out only after they were verified, so that a caller who reads
// exactly size bytes and never sees io.EOF does not accept wrong bytes either. An error of r keeps its code and is wrapped.
//
// Every Read fails once ctx has ended, with an error that wraps ctx's; an r that may block must heed ctx itself. After an
// error every Read returns that error. Close closes r. The reader is not safe for concurrent use.
func VerifyReader(ctx context.Context, r io.ReadCloser, want Digest, size int64) io.ReadCloser {
	return &verifier{ctx: ctx, r: r, want: want, size: size, hash: sha256.New()}
}

type verifier struct {
	ctx  context.Context //nolint:containedctx // Open governs the reader by it
	r    io.ReadCloser
	want Digest
	size int64 // negative: not known
	read int64
	hash hash.Hash
	err  error // what every further Read returns
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err == nil && v.ctx.Err() != nil {
		v.err = v.ended(v.ctx.Err())
	}
	if v.err != nil {
		return 0, v.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := v.r.Read(p)
	v.hash.Write(p[:n])
	v.read += int64(n)
	if err == nil && v.read == v.size {
		err = v.probe()
	}
	switch {
	case v.size >= 0 && v.read > v.size:
		v.err = v.corrupt("it has more than its %d bytes", v.size)
	case err == io.EOF: //nolint:errorlint // an io.Reader does not wrap it
		v.err = v.verdict()
	case err != nil:
		v.err = v.failed(err)
	}
	if v.err == nil || v.err == io.EOF { //nolint:errorlint // as verdict returned it
		return n, v.err
	}
	return 0, v.err
}

// probe reports io.EOF if r has no more bytes.
func (v *verifier) probe() error {
	var one [1]byte
	for range 100 {
		n, err := v.r.Read(one[:])
		v.read += int64(n)
		if n > 0 || err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// verdict returns io.EOF if the bytes that were read are those of the digest.
func (v *verifier) verdict() error {
	if v.size >= 0 && v.read < v.size {
		return v.corrupt("it ends after %d of its %d bytes", v.read, v.size)
	}
	if got := NewDigest([32]byte(v.hash.Sum(nil))); got != v.want {
		return v.corrupt("its %d bytes have the digest %s", v.read, got)
	}
	return io.EOF
}

func (v *verifier) corrupt(format string, args ...any) error {
	return component.Errorf(component.Corrupt, "content %s is corrupt: %s", v.want, fmt.Sprintf(format, args...))
}

func (v *verifier) failed(err error) error {
	if v.ctx.Err() != nil && errors.Is(err, v.ctx.Err()) {
		return v.ended(err)
	}
	return component.Errorf(component.CodeOf(err), "read content %s: after %d bytes: %w", v.want, v.read, err)
}

// ended wraps the error of a context that has ended.
func (v *verifier) ended(err error) error {
	code := component.Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		code = component.DeadlineExceeded
	}
	return component.Errorf(code, "read content %s: after %d bytes: %w", v.want, v.read, err)
}

// Close closes the underlying reader. Reads afterwards fail.
func (v *verifier) Close() error {
	if v.err == nil || v.err == io.EOF { //nolint:errorlint // as verdict returned it
		v.err = fmt.Errorf("read content %s: %w", v.want, fs.ErrClosed)
	}
	return v.r.Close()
}

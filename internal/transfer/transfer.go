// Package transfer moves values between memory and an artifact store.
//
// Going out, a value is encoded once: up to artifact.InlineLimit bytes stay in the record, more stream into the store while they are
// being encoded. Coming back, every read is verified against the digest of the record.
package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Content opens the raw bytes of rec, which the reader verifies. A gathered list has none: its elements do.
func Content(ctx context.Context, store artifact.Store, rec artifact.Record) (io.ReadCloser, error) {
	switch {
	case rec.Codec == artifact.GatherCodec:
		return nil, component.Errorf(component.Invalid, "a gathered list of %d elements has no content of its own: open its elements", len(rec.Elements))
	case rec.Inline == nil:
		return store.Open(ctx, rec.Digest)
	}
	if digestOf(rec.Inline) != rec.Digest {
		return nil, component.Errorf(component.Corrupt, "content %s is corrupt: the %d bytes in its record have another digest", rec.Digest, len(rec.Inline))
	}
	return io.NopCloser(bytes.NewReader(rec.Inline)), nil
}

func digestOf(data []byte) artifact.Digest { return artifact.NewDigest(sha256.Sum256(data)) }

// checkCodec refuses content that c cannot read.
func checkCodec(c codec.Codec, rec artifact.Record) (version int, err error) {
	name, version, err := codec.ParseID(rec.Codec)
	if err != nil {
		return 0, component.Errorf(component.Corrupt, "content %s: %w", rec.Digest.Short(), err)
	}
	if name != c.Name {
		return 0, component.Errorf(component.Invalid, "content %s was written by codec %s and cannot be read by %s", rec.Digest.Short(), rec.Codec, c.ID())
	}
	if version > c.Version {
		return 0, component.Errorf(component.Unsupported, "content %s was written by codec %s, this program reads up to version %d: use a newer one", rec.Digest.Short(), rec.Codec, c.Version)
	}
	return version, nil
}

package artifact

import (
	"encoding/hex"
	"strings"

	"github.com/tenon-ml/tenon/component"
)

const digestPrefix = "sha256:"

// Digest identifies content: "sha256:" and 64 lower-case hexadecimal digits. The zero value identifies nothing.
type Digest string

// NewDigest returns the digest with the given SHA-256 sum.
func NewDigest(sum [32]byte) Digest {
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

// ParseDigest checks s, which may come from anywhere. The error's code is Invalid.
func ParseDigest(s string) (Digest, error) {
	d := Digest(s)
	if err := d.Validate(); err != nil {
		return "", err
	}
	return d, nil
}

// Validate reports whether d is well formed. The error's code is Invalid.
func (d Digest) Validate() error {
	sum, ok := strings.CutPrefix(string(d), digestPrefix)
	if !ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return component.Errorf(component.Invalid, "digest %.80q: want sha256: and 64 lower-case hexadecimal digits", string(d))
	}
	return nil
}

// Hex returns the hexadecimal digits of a valid digest.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// Short returns the first 12 hexadecimal digits, for people.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}

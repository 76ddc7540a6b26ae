package fingerprint

import (
	"context"

	"github.com/tenon-ml/tenon/component"
)

func (c *coarse) executableDigest(ctx context.Context) (string, error) {
	path, err := c.executable()
	if err != nil {
		return "", component.Errorf(component.FailedPrecondition, "find the running executable: %w", err)
	}
	digest, _, err := c.memo.Digest(ctx, path)
	if err != nil {
		return "", component.Errorf(component.FailedPrecondition, "read the running executable: %w", err)
	}
	h := newHash("executable")
	write(h, digest)
	return sum(h), nil
}

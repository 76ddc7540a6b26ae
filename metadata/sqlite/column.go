package sqlite

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

// sum is the column of a digest that was validated: the bytes of its hash; nil, which is NULL, if there is none.
func sum(d artifact.Digest) []byte {
	if d == "" {
		return nil
	}
	b, _ := hex.DecodeString(d.Hex())
	return b
}

// notNull makes nil bytes empty ones.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// nanos is the column of a time. The zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// fromNanos reads what nanos wrote, in UTC.
func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// fromJSON reads the body of a row.
func fromJSON[T any](body []byte) (T, error) {
	var row T
	if err := json.Unmarshal(body, &row); err != nil {
		return row, component.Errorf(component.Corrupt, "metadata: a stored %T cannot be read: %w", row, err)
	}
	return row, nil
}

// scanBody reads a row whose only column is its body.
func scanBody[T any](row scanner) (T, error) {
	var body []byte
	if err := row.Scan(&body); err != nil {
		var zero T
		return zero, err
	}
	return fromJSON[T](body)
}

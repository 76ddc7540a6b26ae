package sqlite

import (
	"testing"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
)

// A cursor from anywhere is read as a place that writes the same place again, or refused as invalid.
func FuzzCursor(f *testing.F) {
	f.Add(cursor("01a2"))
	f.Add(cursor(place{"load", -1}))
	f.Add(cursor(artifactPlace{"r", "s", 1, 2}))
	f.Add("bnVsbA")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, after string) {
		var p artifactPlace
		if err := begin(metadata.Cursor{After: after}, &p); err != nil {
			if component.CodeOf(err) != component.Invalid {
				t.Errorf("code %q, want invalid: %v", component.CodeOf(err), err)
			}
			return
		}
		var again artifactPlace
		if err := begin(metadata.Cursor{After: cursor(p)}, &again); err != nil || after != "" && again != p {
			t.Errorf("%+v became %+v (%v)", p, again, err)
		}
	})
}

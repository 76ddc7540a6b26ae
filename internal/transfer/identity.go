package transfer

import "github.com/tenon-ml/tenon/artifact"

// Identity tells two records apart whose values a step could tell apart: by codec and digest, and by what of the metadata is part of the
// value rather than of its bytes. Those are the name of a file, and whether a byte slice was nil.
func Identity(rec artifact.Record) string {
	id := rec.Codec + " " + string(rec.Digest)
	if name, ok := rec.Meta["name"].(string); ok && rec.Codec == "file/1" {
		id += " name " + name
	}
	if isNil, _ := rec.Meta["nil"].(bool); isNil && rec.Codec == "bytes/1" {
		id += " nil"
	}
	return id
}

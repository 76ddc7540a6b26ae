package artifact

// InlineLimit is the size in bytes up to which encoded content travels inside its record.
const InlineLimit = 4 << 10

// Record describes one stored value: all that is needed to read it again, and what people want to see of it. It is data
// only and is what the metadata store keeps.
type Record struct {
	// Digest identifies the encoded bytes. For a gathered list it identifies the manifest of the elements' digests.
	Digest Digest `json:"digest"`
	// Size of the encoded bytes; for a gathered list, the sum of its elements.
	Size int64 `json:"size"`
	// Codec that wrote the bytes, as "name/version"; "gather/1" for a gathered list.
	Codec string `json:"codec"`
	// Type is the structural Go type, without names: "[]struct{Mass float64}".
	Type string `json:"type"`
	// Inline holds the encoded bytes themselves if there are at most InlineLimit; they are then not in the artifact store.
	// It is non-nil, though possibly empty, exactly if the content is inline.
	Inline []byte `json:"inline,omitzero"`
	// Meta is what the codec extracted: rows, columns, shape, min, max, width, height, name. Values are JSON scalars, lists and maps.
	Meta map[string]any `json:"meta,omitempty"`
	// Preview is a bounded text for people, at most PreviewLimit bytes of valid UTF-8.
	Preview string `json:"preview,omitempty"`
	// Elements of a gathered list, in order.
	Elements []Record `json:"elements,omitempty"`
}

// PreviewLimit is the largest size of a preview in bytes.
const PreviewLimit = 2 << 10

// GatherCodec is the codec name of a gathered list.
const GatherCodec = "gather/1"

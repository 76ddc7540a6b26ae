// Package strictyaml decodes YAML and command-line values into Go values without guessing: an unknown key, a value of another
// type, a number that does not fit, a key given twice are all errors, reported together, each on one line with file, line, column
// and key, and with what would be right.
//
//	var c Config // holds the defaults
//	doc, err := strictyaml.Parse(data, "stack.yaml")
//	...
//	err = doc.Decode(&c)
//	// stack.yaml:3:7: retries: want a whole number, got 1.5
//	// stack.yaml:4:1: tiemout: unknown key: did you mean "timeout"?
//
// Structs are merged field by field over what they hold; lists, maps and everything else replace it. Nothing is changed if there
// is an error, and nothing that the old value refers to is written to, so that defaults may be shared.
//
// A field is called what its yaml tag says, or else its Go name in snake case; see [FieldName]. Keys match regardless of case,
// "-" and "_". Types that implement [encoding.TextUnmarshaler] take any scalar, durations are written "1m30s", times in RFC 3339,
// byte slices in base64. Anchors, aliases, merge keys and tags are refused, so that no document expands.
//
// A document is decoded in parts with fields of type [Node].
package strictyaml

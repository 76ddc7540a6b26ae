// Package codedoc is the document that says what the code of a run's steps is made of: declarations, and what counts for all of them. It is
// recorded with a run, so that a later one, on another machine too, can say which declaration changed.
//
// The parts stand in it once, whichever steps reach them. Which parts a step reaches is found by its fingerprint, so that steps of the same
// function share that too.
package codedoc

import "github.com/tenon-ml/tenon/internal/fingerprint"

// Kind of the documents.
const Kind = "code"

// Code says what fingerprints are made of. Its methods are safe for concurrent use. A nil *Code knows nothing.
type Code struct {
	parts []fingerprint.Part
	sets  map[string][]span // by fingerprint
}

// span is a run of parts.
type span struct{ first, count int }

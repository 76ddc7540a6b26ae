// Package codedoc is the document that says what the code of a run's steps is made of: declarations, and what counts for all of them. It is
// recorded with a run, so that a later one, on another machine too, can say which declaration changed.
//
// The parts stand in it once, whichever steps reach them. Which of them a step reaches is found by its fingerprint, so that steps of the
// same function share that too. Encoded it is JSON in columns, with a version, compressed by Zstandard:
//
//	{"version": 1,
//	 "files": ["example.com/app/main.go"],
//	 "names": ["example.com/app.Scale", "module example.com/lib@v1.2.3"],
//	 "places": [1, 41, 0, 0],            // of each part: its file, counted from 1, or 0, and the line
//	 "digests": "...",                   // of each part: 32 bytes
//	 "sets": {"sha256:...": [0, 2]}}     // by fingerprint: pairs of a first part and how many
package codedoc

// Package fingerprint identifies the code of a step, for the cache key.
//
// A fingerprint must never stay the same when the code that it stands for changed: a stale hit is a bug, a needless miss is only
// a cost. Two rules hold for every implementation:
//
//   - Captured state is in no source. A method value, a literal that captures variables, and a function made by another carry
//     state that no fingerprint can see; [Fingerprint.Captured] says so, and the engine does not cache such a step unless its
//     configuration speaks for that state.
//   - The source on disk may not be the source of the running binary. It is used only where it is certain to be: the parent
//     process is "go run", and every file and directory that was read changed before that process started. Otherwise
//     the digest of the executable stands for all of its code.
//
// [New] makes the implementation that looks at declarations: the digest of all that a function may reach, see package declgraph. It goes by
// syntax alone, and what it parsed it remembers by the digests of files. Where syntax does not tell, and for functions that may hold captured
// state, it gives what [NewCoarse] gives: one digest over all source that could be part of the program, with the identity of the function
// added.
//
// What the source mode does not see, and therefore refuses, leaving the executable to speak: tests (they are a part of test binaries),
// C and assembly (they include files of any name), instances of generic functions that their wiring does not name, flags such as
// -overlay that replace what is on disk, symbolic links to directories, file systems whose clock may not be this host's. What neither
// mode sees: shared libraries, edits within the module cache and within GOROOT.
package fingerprint

// Package logs keeps the log of one attempt: slog records as lines of JSON, in zstd-compressed chunks.
//
// [Writer] is the handler side: it bounds lines, chunks and the whole log, and puts full chunks into the artifact store, so that memory
// stays bounded however much a step logs. [Read] is the other side, and [Splitter] makes lines of what a process
// prints.
package logs

package artifact

import (
	"context"
	"io"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// Kind is the component kind of [Store].
var Kind = component.NewKind[Store]("artifact_store")

// Store keeps content by its digest. All methods are safe for concurrent use, also by several processes, and return when
// ctx ends. The interface is data only, so that it also works across a process border.
//
// Errors carry a component.Code: NotFound for content that is not there, Corrupt for content that does not match its
// digest, Invalid for a malformed digest, Unavailable for what a retry may cure.
type Store interface {
	// Capabilities tells what the store can do. It is constant and does no I/O.
	Capabilities() Capabilities

	// Put stores the bytes that r yields and returns their digest and size. The content becomes visible whole or not at
	// all, and is durable when Put returns: flushed to stable storage, not only to the operating system. Storing bytes that are
	// already there succeeds and refreshes their ModTime. If r fails or ctx ends, nothing becomes visible, nothing
	// temporary stays, and the error wraps r's or ctx's. Put does not hold the content in memory.
	// Put of content that is damaged in the store repairs it. Put reads r only before it returns, so that a Put that waits
	// inside r.Read returns when that Read does.
	Put(ctx context.Context, r io.Reader) (Info, error)

	// Open opens content for reading. Every read verifies: the reader returns an error with code Corrupt in place of
	// io.EOF when the bytes are not those of the digest, so that a caller that reads to the end never accepts wrong bytes. ctx
	// governs the reader too. The caller closes it.
	Open(ctx context.Context, digest Digest) (io.ReadCloser, error)

	// Stat returns what is known of content without reading it.
	Stat(ctx context.Context, digest Digest) (Info, error)

	// Delete removes content. Deleting what is not there succeeds.
	Delete(ctx context.Context, digest Digest) error

	// List returns up to limit infos with a digest greater than after, in digest order; fewer than limit means the end. An
	// empty after starts at the beginning. Limit is 1 to 10,000.
	List(ctx context.Context, after Digest, limit int) ([]Info, error)

	// Close releases what the store holds. Methods called afterwards may fail.
	Close() error
}

// Info describes stored content.
type Info struct {
	Digest  Digest    `json:"digest"`
	Size    int64     `json:"size"`     // bytes
	ModTime time.Time `json:"mod_time"` // of the last Put of this content
}

// Capabilities says what a store can do. The zero value is the least capable store.
type Capabilities struct {
	// Shared says that workers on other hosts reach the same content. A remote orchestrator needs it.
	Shared bool `json:"shared"`
}

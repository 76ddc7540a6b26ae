package secrets

import (
	"context"

	"github.com/tenon-ml/tenon/component"
)

// Kind is the component kind of [Manager].
var Kind = component.NewKind[Manager]("secrets")

// Manager keeps secrets by name. All methods are safe for concurrent use, and return when ctx ends. The interface is data only, so
// that it also works across a process border.
//
// A name is made of letters, digits and ". _ / -", as the reference ${{ secrets.NAME }} holds it; what it means is the
// manager's own: a path, a key, a file.
//
// Errors carry a component.Code: NotFound for a name that holds nothing, Invalid for a malformed name, Unauthenticated and
// PermissionDenied for a login that fails or does not suffice, Unsupported for what Capabilities excludes, Unavailable for
// what a retry may cure. No error holds the content of a secret.
type Manager interface {
	// Capabilities tells what the manager can do. It is constant and does no I/O.
	Capabilities() Capabilities
	// Get returns the newest content of a secret. It is not cached, so that a rotated secret is seen.
	Get(ctx context.Context, name string) (Secret, error)
	// Put stores a secret and replaces what had the name.
	Put(ctx context.Context, name string, s Secret) error
	// Delete removes a secret. Deleting what is not there succeeds.
	Delete(ctx context.Context, name string) error
	// List returns up to limit names greater than after, in order; fewer than limit means the end. An empty after starts at the
	// beginning. Limit is 1 to 10,000.
	List(ctx context.Context, after string, limit int) ([]string, error)
	// Close releases what the manager holds.
	Close() error
}

// Capabilities says what a manager can do. The zero value is a manager that can only be read from, by name.
type Capabilities struct {
	Write bool `json:"write"` // Put and Delete
	List  bool `json:"list"`  // List
	// Shared says that workers on other hosts reach the same secrets, with logins of their own.
	Shared bool `json:"shared"`
}

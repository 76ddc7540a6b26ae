package registry

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/secrets"
)

// Kind is the component kind of [Registry].
var Kind = component.NewKind[Registry]("registry")

// Registry is a place for images. All methods are safe for concurrent use. The interface is data only, so that it also works
// across a process border.
//
// Errors carry a component.Code: Unauthenticated or PermissionDenied for credentials that are missing, wrong or too weak,
// NotFound for a repository that does not exist and is not made by pushing to it, Unavailable for what a retry may cure.
type Registry interface {
	// Capabilities tells what the registry can do. It is constant and does no I/O.
	Capabilities() Capabilities
	// Repository returns the host and path below which images are kept, without a tag: "registry.example.com/ml". It is
	// constant and does no I/O.
	Repository() string
	// Credentials returns what may push to and pull from a repository, which is Repository or lies below it; the zero value
	// where no login is needed. They may be short-lived: callers ask again when they have expired, and do not store them.
	Credentials(ctx context.Context, repository string) (Credentials, error)
	// Prepare makes a repository ready to be pushed to, where the registry does not do so by itself. Preparing one that
	// is ready succeeds.
	Prepare(ctx context.Context, repository string) error
	// Close releases what the registry holds.
	Close() error
}

// Credentials log in to a registry. The zero value logs in nobody.
type Credentials struct {
	Username string         `json:"username"`
	Password secrets.Secret `json:"password"` // a password or token
	Expires  time.Time      `json:"expires,omitzero"`
}

// Capabilities says what a registry can do. The zero value is a registry that only this host reaches.
type Capabilities struct {
	// Shared says that other hosts can pull from it. A remote orchestrator or deployer needs it.
	Shared bool `json:"shared"`
	// PlainHTTP says that it is reached without TLS, as a registry on this host may be.
	PlainHTTP bool `json:"plain_http"`
}

package deployer

import (
	"context"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/step"
)

// Kind is the component kind of [Deployer].
var Kind = component.NewKind[Deployer]("deployer")

// Deployer runs prediction endpoints. All methods are safe for concurrent use, and return when ctx ends. The interface is data
// only, so that it also works across a process border.
//
// Errors carry a component.Code: NotFound for a deployment that is not there, Invalid for a specification that can never
// run, Exhausted for resources that there are not, Unsupported for what Capabilities excludes, Unavailable for what a retry
// may cure.
type Deployer interface {
	// Capabilities tells what the deployer can do. It is constant and does no I/O.
	Capabilities() Capabilities
	// Deploy makes the deployment named in spec what spec says, and returns it as it then is, usually Pending. The old
	// revision serves until the new one is ready, and goes on serving if it never is. Deploying the same again does nothing.
	Deploy(ctx context.Context, spec Spec) (Deployment, error)
	// Get returns a deployment.
	Get(ctx context.Context, name string) (Deployment, error)
	// List returns up to limit deployments with a name greater than after, by name; fewer than limit means the end. An
	// empty after starts at the beginning. Limit is 1 to 10,000.
	List(ctx context.Context, after string, limit int) ([]Deployment, error)
	// Delete ends a deployment. Deleting what is not there succeeds.
	Delete(ctx context.Context, name string) error
	// Close releases what the deployer holds. Deployments go on.
	Close() error
}

// Spec says what a deployment should be.
type Spec struct {
	// Name is the deployment's identity: a-z, 0-9 and "-", at most 63.
	Name string `json:"name"`
	// Model is the artifact that is served.
	Model artifact.Record `json:"model"`
	// Image that serves it, with its digest. Empty: the deployer's own.
	Image string `json:"image,omitempty"`
	// Args of the server.
	Args []string `json:"args,omitempty"`
	// Env of the server. A value may be a reference ${{ secrets.NAME }}, which the server resolves when it starts.
	Env map[string]string `json:"env,omitempty"`
	// Replicas is the number of servers; 0 means one. More than one needs Capabilities.Replicas.
	Replicas int `json:"replicas,omitempty"`
	// Resources of each replica.
	Resources step.Resources `json:"resources,omitzero"`
	// Run is the ID of the run that deploys, for lineage. It is no part of what is compared.
	Run string `json:"run,omitempty"`
}

// Deployment is a deployment as it is.
type Deployment struct {
	Spec     Spec      `json:"spec"`
	Revision int       `json:"revision"` // counts its changes, from 1
	State    State     `json:"state"`
	Reason   string    `json:"reason,omitempty"` // why it is Failed or not yet Ready, in words
	URL      string    `json:"url,omitempty"`    // of the prediction endpoint; empty until there is one
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// State of a deployment.
type State string

// The states.
const (
	Pending  State = "pending"  // the newest revision is being rolled out
	Ready    State = "ready"    // the newest revision serves
	Failed   State = "failed"   // the newest revision cannot serve; an older one may
	Deleting State = "deleting" // it ends
)

// Capabilities says what a deployer can do. The zero value serves with one replica on this host.
type Capabilities struct {
	// Remote says that servers run on other hosts, which need a shared artifact store.
	Remote   bool `json:"remote"`
	Replicas bool `json:"replicas"` // Spec.Replicas above one
}

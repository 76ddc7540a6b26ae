package stack_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/deployer"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/registry"
	"github.com/tenon-ml/tenon/secrets"
	"github.com/tenon-ml/tenon/step"
	"github.com/tenon-ml/tenon/tracker"
)

// Components of every kind that do nothing but say what they can do, and write down when they are opened and closed.

type journal struct {
	mu     sync.Mutex
	events []string
}

func (j *journal) add(format string, args ...any) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, fmt.Sprintf(format, args...))
}

type closer struct {
	journal *journal
	name    string
	err     error
}

func (c closer) Close() error {
	c.journal.add("close %s", c.name)
	return c.err
}

type testOrchestrator struct {
	orchestrator.Orchestrator
	closer
	remote bool
}

func (o testOrchestrator) Capabilities() orchestrator.Capabilities {
	return orchestrator.Capabilities{Remote: o.remote}
}
func (o testOrchestrator) Close() error { return o.closer.Close() }

type testArtifacts struct {
	artifact.Store
	closer
	shared bool
}

func (s testArtifacts) Capabilities() artifact.Capabilities {
	return artifact.Capabilities{Shared: s.shared}
}
func (s testArtifacts) Close() error { return s.closer.Close() }

type testRegistry struct {
	registry.Registry
	closer
	shared bool
}

func (r testRegistry) Capabilities() registry.Capabilities {
	return registry.Capabilities{Shared: r.shared}
}
func (r testRegistry) Close() error { return r.closer.Close() }

type testSecrets struct {
	secrets.Manager
	closer
	shared bool
}

func (m testSecrets) Capabilities() secrets.Capabilities {
	return secrets.Capabilities{Shared: m.shared}
}
func (m testSecrets) Close() error { return m.closer.Close() }

type testTracker struct {
	tracker.Tracker
	closer
}

func (t testTracker) Close() error { return t.closer.Close() }

type testDeployer struct {
	deployer.Deployer
	closer
	remote bool
}

func (d testDeployer) Capabilities() deployer.Capabilities {
	return deployer.Capabilities{Remote: d.remote}
}
func (d testDeployer) Close() error { return d.closer.Close() }

// can is a configuration that says what a component is.
type can struct {
	Remote bool   `yaml:"remote" doc:"works on other hosts"`
	Shared bool   `yaml:"shared"`
	Fail   string `yaml:"fail"`
}

// diskConfig shows every sort of field.
type diskConfig struct {
	Path     string            `yaml:"path" doc:"directory that holds the artifacts"`
	PartSize step.Bytes        `yaml:"part_size" doc:"size of a part"`
	Timeout  time.Duration     `yaml:"timeout"`
	Workers  uint8             `yaml:"workers"`
	Labels   map[string]string `yaml:"labels"`
	Ratio    float64           `yaml:"ratio"`
	Steps    step.Config       `yaml:"steps"`
	Shared   bool              `yaml:"shared"`
	Tags     []string          `yaml:"tags"`
}

func (c *diskConfig) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path: must be set"))
	}
	if c.Steps.Retry.Attempts < 0 {
		errs = append(errs, fmt.Errorf("steps.retry.attempts: %d is negative", c.Steps.Retry.Attempts))
	}
	return errors.Join(errs...)
}

func diskDefaults() diskConfig {
	return diskConfig{Path: "artifacts", PartSize: 64 << 20, Timeout: 90 * time.Second, Workers: 4, Labels: map[string]string{"team": "ml"}}
}

// flavors of every kind, which write into j.
func flavors(j *journal) []component.Flavor {
	opened := func(kind string, c can) (closer, error) {
		j.add("open %s", kind)
		if c.Fail != "" {
			return closer{}, component.Errorf(component.Unavailable, "%s", c.Fail)
		}
		return closer{journal: j, name: kind}, nil
	}
	return []component.Flavor{
		component.New("local", orchestrator.Kind, can{}, func(_ context.Context, c can, _ component.Env) (orchestrator.Orchestrator, error) {
			base, err := opened("orchestrator", c)
			return testOrchestrator{closer: base, remote: c.Remote}, err
		}),
		component.New("local", artifact.Kind, can{}, func(_ context.Context, c can, _ component.Env) (artifact.Store, error) {
			base, err := opened("artifact_store", c)
			return testArtifacts{closer: base, shared: c.Shared}, err
		}),
		component.New("disk", artifact.Kind, diskDefaults(), func(_ context.Context, c diskConfig, _ component.Env) (artifact.Store, error) {
			base, err := opened("artifact_store", can{})
			return testArtifacts{closer: base, shared: c.Shared}, err
		}).WithDoc("keeps artifacts in a directory"),
		component.New("oci", registry.Kind, can{}, func(_ context.Context, c can, _ component.Env) (registry.Registry, error) {
			base, err := opened("registry", c)
			return testRegistry{closer: base, shared: c.Shared}, err
		}),
		component.New("vault", secrets.Kind, can{}, func(_ context.Context, c can, _ component.Env) (secrets.Manager, error) {
			base, err := opened("secrets", c)
			return testSecrets{closer: base, shared: c.Shared}, err
		}),
		component.New("mlflow", tracker.Kind, can{}, func(_ context.Context, c can, _ component.Env) (tracker.Tracker, error) {
			base, err := opened("tracker", c)
			return testTracker{closer: base}, err
		}),
		component.New("server", deployer.Kind, can{}, func(_ context.Context, c can, _ component.Env) (deployer.Deployer, error) {
			base, err := opened("deployer", c)
			return testDeployer{closer: base, remote: c.Remote}, err
		}),
	}
}

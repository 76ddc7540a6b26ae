package stack

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/deployer"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/registry"
	"github.com/tenon-ml/tenon/secrets"
	"github.com/tenon-ml/tenon/tracker"
)

// Stack is a set of components that fit together. All methods are safe for concurrent use. [New] and [Open] make stacks.
type Stack interface {
	// Name of the stack.
	Name() string
	// Orchestrator is never nil.
	Orchestrator() orchestrator.Orchestrator
	// Artifacts is the artifact store. It is never nil.
	Artifacts() artifact.Store
	// Registry is nil if the stack has none.
	Registry() registry.Registry
	// Secrets is nil if the stack has none.
	Secrets() secrets.Manager
	// Tracker is nil if the stack has none.
	Tracker() tracker.Tracker
	// Deployer is nil if the stack has none.
	Deployer() deployer.Deployer
	// Close closes the components, the orchestrator first and the artifact store last. Further calls return what the first
	// did.
	Close() error
}

// Parts are the components of a stack that a program composes. Name, Orchestrator and Artifacts must be set; the others may be nil.
type Parts struct {
	Name         string
	Orchestrator orchestrator.Orchestrator
	Artifacts    artifact.Store
	Registry     registry.Registry
	Secrets      secrets.Manager
	Tracker      tracker.Tracker
	Deployer     deployer.Deployer
}

// New makes a stack of components that the caller opened. The stack closes them. If the parts do not make a stack, all that is wrong
// is in the error, its code is Invalid, and the components are the caller's to close.
func New(parts Parts) (Stack, error) {
	if err := parts.check(); err != nil {
		return nil, component.Errorf(component.Invalid, "stack %.80q: %w", parts.Name, err)
	}
	return &stack{parts: parts}, nil
}

type stack struct {
	parts Parts
	once  sync.Once
	err   error
}

func (s *stack) Name() string                            { return s.parts.Name }
func (s *stack) Orchestrator() orchestrator.Orchestrator { return s.parts.Orchestrator }
func (s *stack) Artifacts() artifact.Store               { return s.parts.Artifacts }
func (s *stack) Registry() registry.Registry             { return s.parts.Registry }
func (s *stack) Secrets() secrets.Manager                { return s.parts.Secrets }
func (s *stack) Tracker() tracker.Tracker                { return s.parts.Tracker }
func (s *stack) Deployer() deployer.Deployer             { return s.parts.Deployer }

func (s *stack) Close() error {
	s.once.Do(func() { s.err = s.parts.close() })
	return s.err
}

// member is a component of whatever kind; value is nil if there is none.
type member struct {
	kind     string
	value    io.Closer
	required bool
}

// members returns the components in the order in which they are opened: each after those that it may need.
func (p Parts) members() []member {
	return []member{
		{secrets.Kind.String(), p.Secrets, false},
		{artifact.Kind.String(), p.Artifacts, true},
		{registry.Kind.String(), p.Registry, false},
		{tracker.Kind.String(), p.Tracker, false},
		{deployer.Kind.String(), p.Deployer, false},
		{orchestrator.Kind.String(), p.Orchestrator, true},
	}
}

// close closes what is there in the reverse order of opening.
func (p Parts) close() error {
	var errs []error
	for _, m := range slices.Backward(p.members()) {
		if m.value == nil {
			continue
		}
		if err := m.value.Close(); err != nil {
			errs = append(errs, component.Errorf(component.CodeOf(err), "close the %s of stack %q: %w", m.kind, p.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (p Parts) check() error {
	var errs []error
	if err := checkName(p.Name); err != nil {
		errs = append(errs, fmt.Errorf("name: %w", err))
	}
	for _, m := range p.members() {
		switch {
		case m.value == nil && m.required:
			errs = append(errs, fmt.Errorf("has no %s: every stack needs one", m.kind))
		case m.value != nil && isNilPointer(m.value):
			errs = append(errs, fmt.Errorf("%s is a nil %T: open it first, or leave the field nil", m.kind, m.value))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return p.fit()
}

func isNilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// fit refuses components that cannot work together.
func (p Parts) fit() error {
	var errs []error
	for _, remote := range []struct {
		kind string
		is   bool
	}{
		{orchestrator.Kind.String(), p.Orchestrator.Capabilities().Remote},
		{deployer.Kind.String(), p.Deployer != nil && p.Deployer.Capabilities().Remote},
	} {
		if !remote.is {
			continue
		}
		if !p.Artifacts.Capabilities().Shared {
			errs = append(errs, fmt.Errorf("the %s works on other hosts, which cannot reach this artifact_store: "+
				"choose an artifact_store that is shared, or a local %s", remote.kind, remote.kind))
		}
		if p.Registry != nil && !p.Registry.Capabilities().Shared {
			errs = append(errs, fmt.Errorf("the %s works on other hosts, which cannot pull from this registry: "+
				"choose a registry that is shared, or a local %s", remote.kind, remote.kind))
		}
	}
	if p.Orchestrator.Capabilities().Remote && p.Secrets != nil && !p.Secrets.Capabilities().Shared {
		errs = append(errs, errors.New("the orchestrator works on other hosts, which cannot reach this secrets manager: "+
			"choose a secrets manager that is shared, or a local orchestrator"))
	}
	return errors.Join(errs...)
}

const maxName = 63

// checkName says what is wrong with the name of a stack.
func checkName(name string) error {
	const first, rest = "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz0123456789._-"
	if name == "" || len(name) > maxName || !strings.Contains(first, name[:1]) || strings.Trim(name, rest) != "" {
		return fmt.Errorf(`want 1 to %d of a-z, 0-9, ".", "_" and "-", the first a letter or a digit, got %.80q`, maxName, name)
	}
	return nil
}

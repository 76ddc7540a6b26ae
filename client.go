package tenon

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/engine"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/gc"
	"github.com/tenon-ml/tenon/internal/part"
	"github.com/tenon-ml/tenon/internal/scope"
	"github.com/tenon-ml/tenon/internal/scratch"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/sqlite"
	"github.com/tenon-ml/tenon/orchestrator"
	"github.com/tenon-ml/tenon/pipeline"
	"github.com/tenon-ml/tenon/stack"
)

// Config says where a [Client] keeps its state and what it runs on. The zero value is the default: state under TENON_HOME or
// ~/.tenon, the active stack, no log output.
type Config struct {
	// Home is the state directory. Empty: the environment variable TENON_HOME, or ~/.tenon.
	Home string
	// StackName names a stored stack. Empty: the active stack, which is the default stack unless another was chosen.
	StackName string
	// Stack, if not nil, is used in place of a stored one. The client does not close it.
	Stack stack.Stack
	// Metadata, if not nil, is used in place of the SQLite database in Home. The client does not close it.
	Metadata metadata.Store
	// Logger for what concerns no single step. Nil discards.
	Logger *slog.Logger
}

// Part makes a Config acceptable to [Open] and [Main].
func (Config) Part(part.Seal) {}

// Client runs pipelines and reads what is recorded of them. Safe for concurrent use. Several processes may have clients on one
// home.
type Client struct {
	config  Config
	flavors []component.Flavor
	logger  *slog.Logger
	meta    metadata.Store
	prints  *fingerprint.Declared
	main    bool // the program has the command line of Main

	mu     sync.Mutex
	stacks map[string]stack.Stack
	specs  map[string][]byte // as YAML
	runs   sync.WaitGroup
	stop   context.CancelCauseFunc // cancels the runs
	life   context.Context         //nolint:containedctx // of the runs, which end with the client
	closed bool
	// left are the epochs of runs, by ID, that this process no longer drives, though their ends could not be recorded.
	left map[string]int
	// resources that steps share; closed with the client.
	resources *scope.Resources
	// scratch holds temporary files, and shows that this client lives; nil until it is needed.
	scratch *scratch.Dir
	// results is the directory of results that are files; empty until it is needed.
	results string
}

var _ pipeline.Client = (*Client)(nil)

// Open opens a client. Parts are flavors that its stacks may use, and at most one [Config]; pipelines are not needed. The caller
// closes the client.
func Open(ctx context.Context, parts ...Part) (*Client, error) {
	s, err := sorted(parts)
	if err != nil {
		return nil, err
	}
	return open(ctx, s.config, s.flavors)
}

func open(ctx context.Context, c Config, flavors []component.Flavor) (*Client, error) {
	if os.Getenv(orchestrator.EnvWorker) != "" {
		return nil, component.Errorf(component.FailedPrecondition, "this process was started as a worker, and opens no client: call tenon.RunWorker(pipelines...) in main, before tenon.Open; "+
			"in a test, pipelinetest.Main in TestMain")
	}
	home, err := homeDir(c.Home)
	if err != nil {
		return nil, err
	}
	if err := makeHome(home); err != nil {
		return nil, err
	}
	c.Home = home
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	client := &Client{config: c, flavors: flavors, logger: c.Logger, meta: c.Metadata, stacks: map[string]stack.Stack{}, specs: map[string][]byte{}, left: map[string]int{}}
	if client.meta == nil {
		if client.meta, err = sqlite.Open(ctx, database(home), sqlite.Options{Logger: c.Logger}); err != nil {
			return nil, err
		}
	}
	if c.Metadata == nil {
		scratch.Sweep(tmp(home))
		gc.Prepare(gcLock(home))
	}
	client.reconcile(ctx)
	client.finishGC(ctx)
	client.prints = fingerprint.New(fingerprint.Options{MemoDir: client.memoDir()})
	client.resources = scope.NewResources(ctx)
	client.life, client.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	return client, nil
}

func database(home string) string { return filepath.Join(home, "tenon.db") }

// hasState reports whether something is recorded in a state directory. One that cannot be looked at counts: opening it says why.
func hasState(home string) bool {
	home, err := homeDir(home)
	if err != nil {
		return true
	}
	_, err = os.Stat(database(home))
	return !errors.Is(err, fs.ErrNotExist)
}

// homeDir returns the absolute path of the state directory.
func homeDir(home string) (string, error) {
	if home == "" {
		home = os.Getenv("TENON_HOME")
	}
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return "", component.Errorf(component.Invalid, "find the state directory: %w: set TENON_HOME to a directory", err)
		}
		home = filepath.Join(user, ".tenon")
	}
	abs, err := filepath.Abs(home)
	if err != nil {
		return "", component.Errorf(component.Invalid, "state directory %s: %w", home, err)
	}
	return abs, nil
}

func makeHome(home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		code, hint := refused(err)
		if code == component.Unavailable {
			code, hint = component.Invalid, elsewhere
		}
		return component.Errorf(code, "make the state directory: %w%s", err, hint)
	}
	return nil
}

const elsewhere = ": set TENON_HOME to a directory that you may write"

// refused tells what it means that the system refuses to make something in the state directory, and what to do about it.
func refused(err error) (component.Code, string) {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return component.PermissionDenied, elsewhere
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return component.Exhausted, ": free space, which \"tenon gc\" may do"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return component.Exhausted, ": raise the limit of open files (ulimit -n), or do less at once"
	}
	return component.Unavailable, ""
}

func (c *Client) memoDir() string { return memoDir(c.config.Home) }

func memoDir(home string) string { return filepath.Join(home, "memo") }

func tmp(home string) string { return filepath.Join(home, "tmp") }

// scratchDir returns the directory of temporary files, made when it is first asked for. It lives as long as the client.
func (c *Client) scratchDir() (*scratch.Dir, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scratch != nil {
		return c.scratch, nil
	}
	parent := tmp(c.config.Home)
	err := os.Mkdir(parent, 0o700) // not the state directory, which is elsewhere if it was moved away
	if err == nil || errors.Is(err, fs.ErrExist) {
		c.scratch, err = scratch.New(parent)
	}
	if err != nil {
		code, hint := refused(err)
		return nil, component.Errorf(code, "make a directory for temporary files: %w%s", err, hint)
	}
	return c.scratch, nil
}

// resultsDir returns the directory of results that are files, made when it is first asked for.
func (c *Client) resultsDir() (string, error) {
	temps, err := c.scratchDir()
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.results != "" {
		return c.results, nil
	}
	dir, err := os.MkdirTemp(temps.Path(), "results-*")
	if err != nil {
		return "", component.Errorf(component.Unavailable, "make a directory for results: %w", err)
	}
	c.results = dir
	return dir, nil
}

// Home returns the absolute path of the state directory.
func (c *Client) Home() string { return c.config.Home }

// Metadata returns the metadata store. It is valid until the client is closed.
func (c *Client) Metadata() metadata.Store { return c.meta }

// Artifacts returns the artifact store of a stack; "" is the client's own.
func (c *Client) Artifacts(ctx context.Context, stackName string) (artifact.Store, error) {
	s, err := c.Stack(ctx, stackName)
	if err != nil {
		return nil, err
	}
	return s.Artifacts(), nil
}

// Stack returns a stack by name, opened on first use and closed with the client; "" is the client's own: Config.Stack,
// Config.StackName, or the active stack. Config.Stack also takes the place of a stored stack of its name.
func (c *Client) Stack(ctx context.Context, name string) (stack.Stack, error) {
	if own := c.config.Stack; own != nil && (name == "" || name == own.Name()) {
		return own, nil
	}
	if name == "" {
		name = c.config.StackName
	}
	if name == "" {
		active, err := c.meta.ActiveStack(ctx)
		if err != nil {
			return nil, err
		}
		name = active
	}
	if name == "" {
		name = stack.DefaultName
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.stacks[name]; ok {
		return s, nil
	}
	s, err := c.openStack(ctx, name)
	if err != nil {
		return nil, err
	}
	c.stacks[name] = s
	return s, nil
}

func (c *Client) openStack(ctx context.Context, name string) (stack.Stack, error) {
	spec := stack.Default()
	if name != stack.DefaultName {
		stored, err := c.meta.Stack(ctx, name)
		if err != nil {
			return nil, err
		}
		if spec, err = stack.Parse(stored.Spec, "stack "+name); err != nil {
			return nil, err
		}
	}
	c.specs[name] = spec.YAML()
	return stack.Open(ctx, spec, c.flavors, component.Env{Home: c.config.Home, Logger: c.logger})
}

// Close cancels the runs that are still going, waits for them, and releases everything. [Client.Recover] goes on with them, as with those of a
// program that was killed. It is safe to call twice.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.stop(engine.ErrLeft)
	c.runs.Wait()
	errs := []error{c.resources.Close()}
	for _, s := range c.stacks {
		errs = append(errs, s.Close())
	}
	if c.config.Metadata == nil {
		errs = append(errs, c.meta.Close())
	}
	if c.scratch != nil {
		c.scratch.Remove() // takes open files, of which there may have been too few until here
	}
	return errors.Join(errs...)
}

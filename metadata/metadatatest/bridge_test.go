package metadatatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/metadata"
	"github.com/tenon-ml/tenon/metadata/metadatatest"
	"github.com/tenon-ml/tenon/metadata/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The interface is data only: the suite passes through a bridge that knows nothing but JSON, and calls methods by their name.
func TestBridge(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, path string) metadata.Store {
		t.Helper()
		store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(serve(store))
		t.Cleanup(server.Close)
		return &bridge{path: path, url: server.URL + "/", client: server.Client()}
	}
	metadatatest.Run(t, metadatatest.Harness{
		Open:   func(t *testing.T) metadata.Store { return open(t, filepath.Join(t.TempDir(), "tenon.db")) },
		Reopen: func(t *testing.T, store metadata.Store) metadata.Store { return open(t, store.(*bridge).path) },
	})
}

type reply struct {
	Result    json.RawMessage          `json:"result,omitempty"`
	Code      component.Code           `json:"code,omitempty"`
	Error     string                   `json:"error,omitempty"`
	Condemned *metadata.CondemnedError `json:"condemned,omitempty"`
}

// serve calls the method that the path names with the arguments in the body, a JSON array.
func serve(store metadata.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := reflect.ValueOf(store).MethodByName(r.URL.Path[1:])
		var raw []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&raw); err != nil || !method.IsValid() {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		var args []reflect.Value
		if method.Type().NumIn() > 0 {
			args = append(args, reflect.ValueOf(r.Context()))
		}
		for i, a := range raw {
			arg := reflect.New(method.Type().In(i + 1))
			if err := json.Unmarshal(a, arg.Interface()); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			args = append(args, arg.Elem())
		}
		results := method.Call(args)
		var out reply
		if err, _ := results[len(results)-1].Interface().(error); err != nil {
			out.Code, out.Error = component.CodeOf(err), err.Error()
			errors.As(err, &out.Condemned)
		} else if len(results) > 1 {
			out.Result, _ = json.Marshal(results[0].Interface())
		}
		_ = json.NewEncoder(w).Encode(out)
	})
}

// bridge is the store at the other end of HTTP. It validates what it sends, since JSON cannot carry what is invalid.
type bridge struct {
	path, url string
	client    *http.Client
}

func call[T any](ctx context.Context, b *bridge, method string, invalid error, args ...any) (result T, err error) {
	if invalid != nil {
		return result, invalid
	}
	if args == nil {
		args = []any{}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return result, component.Errorf(component.Invalid, "%w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+method, bytes.NewReader(body))
	if err != nil {
		return result, err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return result, err
	}
	defer response.Body.Close()
	var r reply
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil {
		return result, err
	}
	switch {
	case r.Condemned != nil:
		return result, r.Condemned
	case r.Error != "":
		return result, component.Errorf(r.Code, "%s", r.Error)
	case r.Result != nil:
		err = json.Unmarshal(r.Result, &result)
	}
	return result, err
}

func none(ctx context.Context, b *bridge, method string, invalid error, args ...any) error {
	_, err := call[struct{}](ctx, b, method, invalid, args...)
	return err
}

func key(s string) error { return metadata.ValidateKey("key", s) }

func optional(s string) error {
	if s == "" {
		return nil
	}
	return key(s)
}

func (b *bridge) Apply(ctx context.Context, batch metadata.Batch) error {
	return none(ctx, b, "Apply", batch.Validate(), batch)
}

func (b *bridge) Lookup(ctx context.Context, keys []string) (map[string]metadata.Step, error) {
	return call[map[string]metadata.Step](ctx, b, "Lookup", metadata.ValidateCacheKeys(keys), keys)
}

func (b *bridge) Run(ctx context.Context, id string) (metadata.Run, error) {
	return call[metadata.Run](ctx, b, "Run", key(id), id)
}

func (b *bridge) Runs(ctx context.Context, q metadata.RunQuery) (metadata.Page[metadata.Run], error) {
	return call[metadata.Page[metadata.Run]](ctx, b, "Runs", q.Validate(), q)
}

func (b *bridge) Steps(ctx context.Context, q metadata.StepQuery) (metadata.Page[metadata.Step], error) {
	return call[metadata.Page[metadata.Step]](ctx, b, "Steps", q.Validate(), q)
}

func (b *bridge) CountSteps(ctx context.Context, run string) (map[metadata.StepState]int, error) {
	return call[map[metadata.StepState]int](ctx, b, "CountSteps", key(run), run)
}

func (b *bridge) Attempts(ctx context.Context, q metadata.AttemptQuery) (metadata.Page[metadata.Attempt], error) {
	return call[metadata.Page[metadata.Attempt]](ctx, b, "Attempts", q.Validate(), q)
}

func (b *bridge) Metrics(ctx context.Context, q metadata.MetricQuery) (metadata.Page[metadata.Metric], error) {
	return call[metadata.Page[metadata.Metric]](ctx, b, "Metrics", q.Validate(), q)
}

func (b *bridge) Document(ctx context.Context, d artifact.Digest) (metadata.Document, error) {
	return call[metadata.Document](ctx, b, "Document", nil, d)
}

func (b *bridge) Artifact(ctx context.Context, id string) (metadata.Artifact, error) {
	return call[metadata.Artifact](ctx, b, "Artifact", key(id), id)
}

func (b *bridge) Artifacts(ctx context.Context, q metadata.ArtifactQuery) (metadata.Page[metadata.Artifact], error) {
	return call[metadata.Page[metadata.Artifact]](ctx, b, "Artifacts", q.Validate(), q)
}

func (b *bridge) Version(ctx context.Context, name string, version int) (metadata.Version, error) {
	return call[metadata.Version](ctx, b, "Version", key(name), name, version)
}

func (b *bridge) DeleteRun(ctx context.Context, id string) error {
	return none(ctx, b, "DeleteRun", key(id), id)
}

func (b *bridge) Checkpoints(ctx context.Context, run string) ([]metadata.Checkpoint, error) {
	return call[[]metadata.Checkpoint](ctx, b, "Checkpoints", key(run), run)
}

func (b *bridge) Signals(ctx context.Context, q metadata.SignalQuery) (metadata.Page[metadata.Signal], error) {
	return call[metadata.Page[metadata.Signal]](ctx, b, "Signals", q.Validate(), q)
}

func (b *bridge) Names(ctx context.Context, prefix string, c metadata.Cursor) (metadata.Page[metadata.Version], error) {
	return call[metadata.Page[metadata.Version]](ctx, b, "Names", metadata.ValidateNames(prefix, c), prefix, c)
}

func (b *bridge) Results(ctx context.Context, q metadata.ResultQuery) (metadata.Page[metadata.Result], error) {
	return call[metadata.Page[metadata.Result]](ctx, b, "Results", q.Validate(), q)
}

func (b *bridge) Forget(ctx context.Context, keys []string, before time.Time) (int, error) {
	return call[int](ctx, b, "Forget", metadata.ValidateForget(keys, before), keys, before)
}

func (b *bridge) PutStack(ctx context.Context, s metadata.Stack, version int) (metadata.Stack, error) {
	return call[metadata.Stack](ctx, b, "PutStack", s.Validate(), s, version)
}

func (b *bridge) Stack(ctx context.Context, name string) (metadata.Stack, error) {
	return call[metadata.Stack](ctx, b, "Stack", key(name), name)
}

func (b *bridge) Stacks(ctx context.Context) ([]metadata.Stack, error) {
	return call[[]metadata.Stack](ctx, b, "Stacks", nil)
}

func (b *bridge) DeleteStack(ctx context.Context, name string) error {
	return none(ctx, b, "DeleteStack", key(name), name)
}

func (b *bridge) ActiveStack(ctx context.Context) (string, error) {
	return call[string](ctx, b, "ActiveStack", nil)
}

func (b *bridge) SetActiveStack(ctx context.Context, name string) error {
	return none(ctx, b, "SetActiveStack", optional(name), name)
}

func (b *bridge) Unreferenced(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return call[[]artifact.Digest](ctx, b, "Unreferenced", nil, d)
}

func (b *bridge) Condemn(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return call[[]artifact.Digest](ctx, b, "Condemn", nil, d)
}

func (b *bridge) Revive(ctx context.Context, d []artifact.Digest, generation int64) ([]artifact.Digest, error) {
	return call[[]artifact.Digest](ctx, b, "Revive", nil, d, generation)
}

func (b *bridge) Deleting(ctx context.Context) ([]artifact.Digest, error) {
	return call[[]artifact.Digest](ctx, b, "Deleting", nil)
}

func (b *bridge) BeginDelete(ctx context.Context, d []artifact.Digest) ([]artifact.Digest, error) {
	return call[[]artifact.Digest](ctx, b, "BeginDelete", nil, d)
}

func (b *bridge) EndDelete(ctx context.Context, d []artifact.Digest) error {
	return none(ctx, b, "EndDelete", nil, d)
}

func (b *bridge) Close() error { return none(context.Background(), b, "Close", nil) }

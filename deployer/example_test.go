package deployer_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/deployer"
)

// pretended deploys nothing, and keeps the books as a deployer does.
type pretended struct {
	mu  sync.Mutex
	all map[string]deployer.Deployment
}

func (*pretended) Capabilities() deployer.Capabilities { return deployer.Capabilities{} }

func (p *pretended) Deploy(_ context.Context, spec deployer.Spec) (deployer.Deployment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if spec.Replicas > 1 {
		return deployer.Deployment{}, component.Errorf(component.Unsupported, "deployment %q: %d replicas: this deployer makes one", spec.Name, spec.Replicas)
	}
	old := p.all[spec.Name]
	compared := old.Spec
	compared.Run = spec.Run
	if reflect.DeepEqual(compared, spec) {
		return old, nil
	}
	p.all[spec.Name] = deployer.Deployment{
		Spec: spec, Revision: old.Revision + 1, State: deployer.Ready, URL: "http://localhost/" + spec.Name,
	}
	return p.all[spec.Name], nil
}

func (p *pretended) Get(_ context.Context, name string) (deployer.Deployment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.all[name]
	if !ok {
		return d, component.Errorf(component.NotFound, "no deployment is called %q", name)
	}
	return d, nil
}

func (p *pretended) List(_ context.Context, after string, limit int) ([]deployer.Deployment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var page []deployer.Deployment
	for _, name := range slices.Sorted(maps.Keys(p.all)) {
		if name > after && len(page) < limit {
			page = append(page, p.all[name])
		}
	}
	return page, nil
}

func (p *pretended) Delete(_ context.Context, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, name)
	return nil
}

func (*pretended) Close() error { return nil }

// An implementation of the kind, made into a flavor.
func ExampleDeployer() {
	flavor := component.New("pretended", deployer.Kind, struct{}{},
		func(context.Context, struct{}, component.Env) (deployer.Deployer, error) {
			return &pretended{all: map[string]deployer.Deployment{}}, nil
		})
	ctx := context.Background()
	d, err := component.Open(ctx, flavor, deployer.Kind, flavor.Config(), component.Env{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	for _, model := range []string{"v1", "v1", "v2"} { // the second changes nothing
		got, err := d.Deploy(ctx, deployer.Spec{Name: "penguins", Model: artifact.Record{Codec: model}})
		fmt.Println(got.Revision, got.State, got.URL, err)
	}
	_, err = d.Get(ctx, "flights")
	fmt.Println(err)
	// Output:
	// 1 ready http://localhost/penguins <nil>
	// 1 ready http://localhost/penguins <nil>
	// 2 ready http://localhost/penguins <nil>
	// no deployment is called "flights"
}

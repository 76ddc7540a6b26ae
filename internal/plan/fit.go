package plan

import (
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/ref"
)

// checkUses checks that every artifact that is used is of the type of what takes it.
func checkUses(p *graph.Program, uses []Use) error {
	if len(uses) == 0 {
		return nil
	}
	c := useCheck{}
	for i := range uses {
		c[uses[i].Name] = &uses[i]
	}
	for i := range p.Graph.Nodes {
		if err := c.node(&p.Graph.Nodes[i], &p.Bindings[i], p.Condition); err != nil {
			return fmt.Errorf("step %s: %w", p.Graph.Nodes[i].Name, err)
		}
	}
	for i, r := range p.Graph.Results {
		if err := c.edge(r.From, p.Results[i]); err != nil {
			return fmt.Errorf("result %s: %w", r.Name, err)
		}
	}
	return nil
}

// useCheck holds the artifacts by name.
type useCheck map[string]*Use

func (c useCheck) node(n *graph.Node, b *graph.Binding, condition graph.Port) error {
	if n.Over != nil && !n.Over.Each {
		if err := c.edge(*n.Over, b.Over); err != nil {
			return fmt.Errorf("the list to map over: %w", err)
		}
	}
	for i, in := range n.Inputs {
		if err := c.edge(in.From, b.Inputs[i]); err != nil {
			return fmt.Errorf("field %s: %w", in.Name, err)
		}
	}
	for _, w := range n.When {
		if err := c.edge(w, condition); err != nil {
			return fmt.Errorf("condition: %w", err)
		}
	}
	return nil
}

func (c useCheck) edge(e ref.Edge, port graph.Port) (err error) {
	e.Uses(func(name string) {
		if err == nil {
			err = c[name].fits(port)
		}
	})
	return err
}

// fits checks that the artifact can be read as what port takes.
func (u *Use) fits(port graph.Port) error {
	want, ok := port.Takes(u.Record)
	if !ok {
		return component.Errorf(component.Invalid, "artifact %s is of type %s, want %s: give pipeline.Use that type, or another version", u, u.Record.Type, want)
	}
	if u.Record.Codec != artifact.GatherCodec {
		return u.readable(u.Record, port.Codec)
	}
	for _, e := range u.Record.Elements {
		if err := u.readable(e, port.Elem); err != nil {
			return err
		}
	}
	return nil
}

func (u *Use) readable(rec artifact.Record, by codec.Codec) error {
	name, version, err := codec.ParseID(rec.Codec)
	if err != nil {
		return component.Errorf(component.Corrupt, "artifact %s: %w", u, err)
	}
	if name != by.Name {
		return component.Errorf(component.Invalid, "artifact %s was written by codec %s, and this pipeline reads %s by %s: give both the same codec with pipeline.Codecs",
			u, rec.Codec, rec.Type, by.ID())
	}
	if version > by.Version {
		return component.Errorf(component.Unsupported, "artifact %s was written by codec %s, and this program reads up to version %d: use a newer one", u, rec.Codec, by.Version)
	}
	return nil
}

// String names the artifact with the version that it is pinned to.
func (u *Use) String() string {
	if n, _ := ref.ParseNamed(u.Name); n.Version != 0 {
		return u.Name
	}
	return fmt.Sprintf("%s (version %d)", u.Name, u.Version)
}

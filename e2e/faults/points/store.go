package points

import (
	"context"
	"io"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/artifact/local"
	"github.com/tenon-ml/tenon/component"
)

// Watch makes the program of which it is called come to points. Every client and worker of it opens its artifact store, by the name "local",
// through a flavor that wraps the real one.
func Watch() {
	if order() == nil {
		return
	}
	flavor := local.Flavor
	local.Flavor = component.New("local", artifact.Kind, *flavor.Config().(*local.Config),
		func(ctx context.Context, c local.Config, env component.Env) (artifact.Store, error) {
			opened, err := component.Open(ctx, flavor, artifact.Kind, &c, env)
			if err != nil {
				return nil, err
			}
			return store{opened}, nil
		})
	watchSQLite()
}

// store comes to points around another.
type store struct{ artifact.Store }

// Put implements artifact.Store.
func (s store) Put(ctx context.Context, r io.Reader) (artifact.Info, error) {
	info, err := s.Store.Put(ctx, &content{Reader: r})
	if err == nil {
		reached(PutDone, string(info.Digest))
	}
	return info, err
}

// Delete implements artifact.Store.
func (s store) Delete(ctx context.Context, d artifact.Digest) error {
	reached(BeforeDelete, string(d))
	err := s.Store.Delete(ctx, d)
	if err == nil {
		reached(AfterDelete, string(d))
	}
	return err
}

// content is what is put. Its reader asks for more after it has written what it has.
type content struct {
	io.Reader
	read int
	past bool // the point, to which each content comes once
}

// half is what the local store reads before it makes a temporary file, and writes to it before it reads on.
const half = 256 << 10

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	switch {
	case c.read < half:
		p = p[:min(len(p), half-c.read)]
	case !c.past:
		c.past = true
		reached(PutHalf, "")
	}
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

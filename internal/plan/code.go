package plan

import (
	"context"
	"fmt"

	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
)

// Code returns what the fingerprints of a plan are made of, nil if nothing is known of any. The plan must be one that f fingerprinted the
// program's functions for, in this process.
func (p *Plan) Code(ctx context.Context, program *graph.Program, f *fingerprint.Declared) (*codedoc.Code, error) {
	var code *codedoc.Code
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Mode != string(fingerprint.ModeSource) || code.Has(s.Fingerprint) {
			continue
		}
		parts, err := f.Explain(ctx, program.Bindings[i].Func, program.Bindings[i].Wired)
		if err != nil {
			return nil, fmt.Errorf("step %s: explain its code: %w", s.Name, err)
		}
		if code == nil {
			code = &codedoc.Code{}
		}
		code.Add(s.Fingerprint, parts)
	}
	return code, nil
}

package plan

import (
	"context"

	"github.com/tenon-ml/tenon/internal/codedoc"
	"github.com/tenon-ml/tenon/internal/fingerprint"
	"github.com/tenon-ml/tenon/internal/graph"
)

// Explainer says what a fingerprint is made of; see [fingerprint.Declared].
type Explainer interface {
	Explain(ctx context.Context, fn any, wired string) ([]fingerprint.Part, error)
}

// Code returns what the fingerprints of a plan are made of, nil if nothing is known of any. The fingerprints must be those of the program's
// functions in this process.
func (p *Plan) Code(ctx context.Context, program *graph.Program, e Explainer) (*codedoc.Code, error) {
	panic("TODO")
}

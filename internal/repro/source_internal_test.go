package repro

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/graph"
	"github.com/tenon-ml/tenon/internal/plan"
	"github.com/tenon-ml/tenon/metadata"
)

// hostile is a case with texts that somebody else may have chosen.
func hostile(step, message, param, digest string) *Case {
	return &Case{
		Run:     metadata.Run{ID: digest, Driver: metadata.Driver{Program: metadata.Program{Revision: message}}},
		Attempt: metadata.Attempt{State: metadata.StepFailed, Number: 1, Error: message},
		Step:    metadata.Step{State: metadata.StepCached, Outputs: []metadata.Output{{Name: message, Record: artifact.Record{Digest: artifact.Digest(digest)}}}},
		Planned: &plan.Step{},
		Recording: Recording{
			Pipeline: message, Step: step, Index: 1, Params: []graph.Param{{Name: step, Value: json.RawMessage(param)}},
			Inputs: []Input{{Name: message, Digest: artifact.Digest(digest)}},
		},
	}
}

func (c *Case) contents() []Content {
	return []Content{{Name: c.Inputs[0].Name, Digest: c.Inputs[0].Digest, About: c.Attempt.Error}}
}

// checkSource checks that a file has an import declaration and one test, and nothing else.
func checkSource(t *testing.T, text []byte) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "x_test.go", text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(f.Decls) != 2 || len(f.Imports) != 3 {
		t.Fatalf("%d declarations:\n%s", len(f.Decls), text)
	}
	fn, ok := f.Decls[1].(*ast.FuncDecl)
	if !ok || len(fn.Body.List) != 1 {
		t.Fatalf("it does more than call Repro:\n%s", text)
	}
	for _, c := range f.Comments {
		for _, line := range c.List {
			if len(line.Text) > 2 && line.Text[:2] != "//" {
				t.Fatalf("comment %q", line.Text)
			}
		}
	}
}

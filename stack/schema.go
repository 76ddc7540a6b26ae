package stack

import (
	"encoding/json"
	"fmt"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/strictyaml"
)

// Schema returns the JSON Schema (draft 2020-12) of a flavor's configuration, indented: properties under their YAML names, the
// flavor's defaults, and what the doc tags of its Config say.
func Schema(f component.Flavor) ([]byte, error) {
	s := strictyaml.Schema(f.Config())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = f.Kind() + "/" + f.Name()
	s.Description = f.Doc()
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of %s %q: %w", f.Kind(), f.Name(), err)
	}
	return out, nil
}

// Package fill fills the registry.
package fill

import "example.com/edits/registry"

var added = registry.Add("added", 1)

func init() {
	registry.Add("init", platform())
	registry.Mode = "filled"
}

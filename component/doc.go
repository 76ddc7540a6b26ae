// Package component holds what every pluggable part of a stack shares: kinds, flavors and error codes. It imports
// nothing else of Tenon, so that any package may depend on it.
//
// A [Kind] names an interface, such as artifact.Kind for artifact.Store. A [Flavor] is one implementation of a kind: a
// value with a name, a Config struct that holds its defaults, and a function that opens it. Flavors are passed
// explicitly to tenon.Main or tenon.Open; there is no registry.
//
//	type Config struct {
//		Path string `yaml:"path" doc:"directory that holds the artifacts"`
//	}
//
//	var Flavor = component.New("local", artifact.Kind, Config{}, open)
//
// Configuration is decoded strictly over the defaults, then checked by [Validator], and only then opened. Package stack
// does the decoding.
//
// Components report failures with a [Code], so that errors.Is(err, component.ErrNotFound) holds wherever the component
// runs: in this process, in a plugin, or behind a server.
package component

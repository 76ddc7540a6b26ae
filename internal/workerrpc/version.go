package workerrpc

import (
	"strings"

	"github.com/tenon-ml/tenon/component"
)

// The protocol has a major version, which is in the name of the protobuf package, and a minor one. This side speaks the minor versions
// from oldestProtocol to protocol of major version 1.
const (
	major          = "v1"
	protocol       = 1
	oldestProtocol = 1
)

// negotiate returns the newest minor version that both sides speak. The error's code is FailedPrecondition.
func negotiate(newest, oldest uint32) (uint32, error) {
	common := min(newest, protocol)
	switch {
	case newest < oldestProtocol:
		return 0, component.Errorf(component.FailedPrecondition,
			"the worker speaks the worker protocol %s.%d, the engine %s.%d and no older one than %s.%d: build the worker's program with the engine's version of Tenon",
			major, newest, major, protocol, major, oldestProtocol)
	case oldest > common:
		return 0, component.Errorf(component.FailedPrecondition,
			"the worker speaks the worker protocol %s.%d and no older one than %s.%d, the engine %s.%d: build the engine's program with the worker's version of Tenon",
			major, newest, major, oldest, major, protocol)
	}
	return common, nil
}

// otherService is the error for a path that is none of this protocol.
func otherService(path string) error {
	rest, ok := strings.CutPrefix(path, "/tenon.worker.")
	version, _, isService := strings.Cut(rest, ".WorkerService/")
	if !ok || !isService || version == major {
		return component.Errorf(component.Unsupported, "%.80q is no call of the worker protocol %s.%d", path, major, protocol)
	}
	return component.Errorf(component.FailedPrecondition,
		"the worker speaks the worker protocol %.20s, the engine %s.%d: build both with the same version of Tenon", version, major, protocol)
}

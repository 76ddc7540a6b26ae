package multiprocess_test

import (
	"errors"

	"github.com/tenon-ml/tenon/artifact"
)

func full(artifact.Store, string) error { return errors.ErrUnsupported }

package engine

import (
	"context"
	"fmt"
	"os"
	"reflect"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// expandMap finds the elements of the list that a node maps over. A gathered list has them already; any other is decoded and
// its elements are stored one by one, beside the scheduler.
func (s *scheduler) expandMap(n *node) {
	v := s.resolve(*n.g.Over, -1, nil)
	if v.record.Codec == artifact.GatherCodec {
		s.expand(n, len(v.record.Elements), v.record.Elements)
		return
	}
	s.spawn(func() func() {
		items, err := s.split(n, v.record)
		return func() {
			if err != nil {
				s.endWithoutTasks(n, metadata.StepFailed, fmt.Sprintf("split the list that it maps over: %v", err))
				return
			}
			s.expand(n, len(items), items)
		}
	})
}

func (s *scheduler) split(n *node, list artifact.Record) (items []artifact.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the codec panicked: %v", r)
		}
	}()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	var dir string
	defer func() {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}()
	tempDir := func() (string, error) {
		if err := os.MkdirAll(s.c.Worker.TempDir, 0o700); err != nil {
			return "", err
		}
		dir, err = os.MkdirTemp(s.c.Worker.TempDir, "split-*")
		return dir, err
	}
	decoded, err := transfer.Load(ctx, s.c.Artifacts, n.bind.Over.Codec, list, tempDir)
	if err != nil {
		return nil, err
	}
	v := reflect.ValueOf(decoded)
	items = make([]artifact.Record, v.Len())
	for i := range items {
		if items[i], err = transfer.Save(ctx, s.c.Artifacts, n.bind.Over.Elem, n.bind.ElemType, v.Index(i).Interface()); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return items, nil
}

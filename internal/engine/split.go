package engine

import (
	"context"
	"fmt"
	"os"
	"reflect"

	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/transfer"
	"github.com/tenon-ml/tenon/metadata"
)

// splitParallel is how many elements of a list are stored at once.
const splitParallel = 8

// expandMap finds the elements of the list that a node maps over. A gathered list has them already; any other is decoded and
// its elements are stored one by one, beside the scheduler.
func (s *scheduler) expandMap(n *node) {
	v := s.resolve(*n.g.Over, -1, nil)
	if v.record.Codec == artifact.GatherCodec {
		s.expand(n, len(v.record.Elements), v.record.Elements)
		return
	}
	s.splitBeside(n, v.record, false)
}

func (s *scheduler) splitBeside(n *node, list artifact.Record, again bool) {
	s.spawn(func() func() {
		var items []artifact.Record
		err := apart(func() (err error) {
			items, err = s.split(s.preparing, n, list)
			return err
		})
		fail := func() {
			n.cause = err
			s.endWithoutTasks(n, metadata.StepFailed, fmt.Sprintf("split the list that it maps over: %v", err))
		}
		return func() {
			switch {
			case s.stopping: // it is cancelled with the rest
			case err == nil:
				s.holdItems(items)
				s.expand(n, len(items), items)
			case damaged(err) && !again:
				s.recompute(s.nodes[:n.i], []artifact.Record{list}, fail, func(failed *node) {
					if failed != nil {
						s.endWithoutTasks(n, metadata.StepCancelled, upstreamReason(failed))
						return
					}
					s.splitBeside(n, s.resolve(*n.g.Over, -1, nil).record, true)
				})
			default:
				fail()
			}
		}
	})
}

// holdItems keeps the elements of a list from garbage collection: no row names them before they are used.
func (s *scheduler) holdItems(items []artifact.Record) {
	for i := range items {
		if items[i].Inline == nil {
			b := s.batch()
			b.Holds = append(b.Holds, items[i].Digest)
		}
	}
}

// split decodes a list and stores its elements.
func (s *scheduler) split(ctx context.Context, n *node, list artifact.Record) (items []artifact.Record, err error) {
	var dir string
	defer func() {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}()
	tempDir := func() (_ string, err error) {
		if dir != "" {
			return dir, nil
		}
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
	var group errgroup.Group
	group.SetLimit(splitParallel)
	for i := range items {
		group.Go(func() error {
			err := apart(func() (err error) {
				items[i], err = transfer.Save(ctx, s.c.Artifacts, n.bind.Over.Elem, n.bind.ElemType, v.Index(i).Interface())
				return err
			})
			if err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
			return nil
		})
	}
	return items, group.Wait()
}

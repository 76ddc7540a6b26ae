package gc

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

const (
	// parallel is how many contents are deleted at once: a store far away takes long for each.
	parallel = 16
	// endPatience bounds the time for which the end of a deletion is tried to be recorded, also when the collection is cancelled.
	endPatience = 30 * time.Second
)

// delete deletes contents that nothing refers to, unless something does meanwhile, and takes those from left whose fate is not to be kept.
func (s *collector) delete(ctx context.Context, left map[artifact.Digest]int64, digests []artifact.Digest) (err error) {
	if len(digests) == 0 {
		return nil
	}
	condemned, err := s.Metadata.Condemn(ctx, digests)
	if err != nil || len(condemned) == 0 {
		return err
	}
	// Whatever happens from here on, a deletion that has begun is ended, or those who write the content wait.
	defer func() { err = errors.Join(err, s.end(ctx, condemned)) }()
	begun, err := s.Metadata.BeginDelete(ctx, condemned)
	if err != nil {
		return err
	}
	fates, errs := make([]*Count, len(begun)), make([]error, len(begun))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, d := range begun {
		group.Go(func() error {
			fates[i], errs[i] = s.deleteOne(ctx, d)
			return nil
		})
	}
	_ = group.Wait()
	for i, fate := range fates {
		if errs[i] != nil {
			s.Logger.Warn("content that nothing refers to cannot be deleted", "digest", begun[i], "err", errs[i])
			if s.first == nil {
				s.first = errs[i]
			}
		}
		if fate != nil {
			s.count(fate, left, begun[i:i+1])
		}
	}
	return ctx.Err()
}

// deleteOne deletes a content, unless it was put again since it was listed, and returns as what it counts; nil if it was not come to.
func (s *collector) deleteOne(ctx context.Context, d artifact.Digest) (*Count, error) {
	info, err := s.Artifacts.Stat(ctx, d)
	if err == nil && !info.ModTime.Before(s.before) {
		return &s.report.Young, nil
	}
	if err == nil {
		err = s.Artifacts.Delete(ctx, d)
	}
	switch {
	case err == nil, errors.Is(err, component.ErrNotFound):
		return &s.report.Deleted, nil
	case ctx.Err() != nil:
		return nil, nil //nolint:nilerr // the caller sees that ctx has ended
	}
	return &s.report.Failed, err
}

// end ends the deletion of contents, those among them whose deletion has begun. Their mark stays for a while: bytes that are there, or are put
// again, are found by those who then refer to them.
func (s *collector) end(ctx context.Context, digests []artifact.Digest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := s.Metadata.EndDelete(ctx, digests)
		if err != nil && !errors.Is(err, component.ErrUnavailable) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(endPatience))
	return err
}

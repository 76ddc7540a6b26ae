package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

const maxList = 10_000

// List reads the folders from that of after on, each of which has one content in 256, until it has enough.
func (s *store) List(ctx context.Context, after artifact.Digest, limit int) ([]artifact.Info, error) {
	if limit < 1 || limit > maxList {
		return nil, component.Errorf(component.Invalid, "list content: limit %d: want 1 to %d", limit, maxList)
	}
	if after != "" {
		if err := after.Validate(); err != nil {
			return nil, component.Errorf(component.Invalid, "list content after: %w", err)
		}
	}
	folders, err := readDir(s.content())
	if err != nil {
		return nil, explain("list content", err)
	}
	var infos []artifact.Info
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return nil, ended("list content", err)
		}
		prefix := folder.Name()
		if len(prefix) != 2 || after != "" && prefix < after.Hex()[:2] {
			continue
		}
		infos, err = s.listFolder(infos, prefix, after, limit)
		if err != nil || len(infos) == limit {
			return infos, err
		}
	}
	return infos, ended("list content", ctx.Err())
}

func (s *store) listFolder(infos []artifact.Info, prefix string, after artifact.Digest, limit int) ([]artifact.Info, error) {
	entries, err := readDir(filepath.Join(s.content(), prefix))
	if err != nil {
		return nil, explain("list content", err)
	}
	for _, entry := range entries {
		digest, err := artifact.ParseDigest("sha256:" + prefix + entry.Name())
		if err != nil || digest <= after || !entry.Type().IsRegular() {
			continue // not content, or an earlier page
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, explain("list content", err)
		}
		infos = append(infos, describe(digest, info))
		if len(infos) == limit {
			break
		}
	}
	return infos, nil
}

// readDir returns the entries in order; none if the directory is not there or is no directory.
func readDir(path string) ([]fs.DirEntry, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, nil
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

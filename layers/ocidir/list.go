package ocidir

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Lister = (*Store)(nil)

// List implements layers.Lister. A name changed when its manifest was written.
func (s *Store) List(ctx context.Context) ([]layers.Listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed("read", err)
	}
	defer root.Close()
	index, err := readIndex(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed("read", err)
	}
	var all []layers.Listed
	seen := map[string]bool{}
	for _, e := range index.entries {
		name := e.Annotations[refName]
		if !e.named(name) || name == "" || seen[name] {
			continue
		}
		seen[name] = true
		one := layers.Listed{Name: name, Digest: e.Digest}
		if info, err := root.Stat(blobPath(e.Digest)); err == nil {
			one.Changed = info.ModTime()
		}
		all = append(all, one)
	}
	return all, nil
}

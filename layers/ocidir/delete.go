package ocidir

import (
	"context"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Deleter = (*Store)(nil)

// Delete implements layers.Deleter. Blobs stay for Sweep.
func (s *Store) Delete(ctx context.Context, name string, digest v1.Hash) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return s.failed("write to", err)
	}
	defer root.Close()
	err = locked(ctx, root, func() error {
		index, err := readIndex(root)
		if err != nil {
			return err
		}
		switch current, ok := index.find(name); {
		case !ok:
			return s.notFound("the name " + name)
		case current.Digest != digest:
			return s.conflict(name)
		}
		index.remove(name)
		content, err := index.marshal()
		if err != nil {
			return err
		}
		return writeFile(root, indexName, content)
	})
	if err != nil {
		return s.failed("write to", err)
	}
	return nil
}

// remove takes the entries called name away.
func (x *index) remove(name string) {
	var rest []entry
	for _, e := range x.entries {
		if !e.named(name) {
			rest = append(rest, e)
		}
	}
	x.entries = rest
}

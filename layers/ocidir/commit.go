package ocidir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

// Commit implements layers.Store. Whether name still stands for previous is
// looked up under the lock, so of two builds that commit at once one meets the
// conflict.
func (s *Store) Commit(ctx context.Context, name string, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	if err := ctx.Err(); err != nil {
		return v1.Descriptor{}, err
	}
	root, err := s.open(ctx)
	if err != nil {
		return v1.Descriptor{}, s.failed("write to", err)
	}
	defer root.Close()
	defer s.writing.end()
	desc := v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: hashOf(manifest), Size: int64(len(manifest))}
	err = locked(ctx, root, func() error { return s.commit(root, name, desc, manifest, previous) })
	if err != nil {
		return v1.Descriptor{}, s.failed("write to", err)
	}
	return desc, nil
}

// commit is Commit under the lock.
func (s *Store) commit(root *os.Root, name string, desc v1.Descriptor, manifest []byte, previous v1.Hash) error {
	now, err := readIndex(root)
	lost := errors.Is(err, layers.ErrCorrupt)
	if errors.Is(err, fs.ErrNotExist) || lost {
		now, err = newIndex(), nil
	}
	if err != nil {
		return err
	}
	switch current, _ := now.find(name); current.Digest {
	case desc.Digest:
		return nil
	case previous:
	default:
		return s.conflict(name)
	}
	if err := checkWhole(root, manifest); err != nil {
		return err
	}
	before, err := now.marshal()
	if err != nil {
		return err
	}
	if err := now.put(name, desc); err != nil {
		return err
	}
	content, err := now.marshal()
	if err != nil {
		return err
	}
	if err := writeFile(root, blobPath(desc.Digest), manifest); err != nil {
		return err
	}
	var superfluous []string
	if s.reset && !lost { // or all that other names stood for would go at once
		if superfluous, err = s.superseded(root, before, content); err != nil {
			return fmt.Errorf("reset=true: %w", err)
		}
	}
	if err := writeFile(root, indexName, content); err != nil {
		return err
	}
	for _, path := range superfluous {
		_ = root.Remove(path) // or it is found the next time
	}
	sweep(root)
	return nil
}

// checkWhole fails if a blob that a manifest names is not there, which somebody
// else's reset may have removed since it was pushed.
func checkWhole(root *os.Root, manifest []byte) error {
	children, err := childrenOf(manifest)
	if err != nil {
		return err
	}
	for _, child := range children {
		if _, err := root.Stat(blobPath(child.Digest)); err != nil {
			return fmt.Errorf("blob %s is no longer there: %w", child.Digest, err)
		}
	}
	return nil
}

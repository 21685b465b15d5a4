package ocidir

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Sweeper = (*Store)(nil)

// Sweep implements layers.Sweeper: it removes the blobs that index.json does not
// reach, and what killed processes have left.
func (s *Store) Sweep(ctx context.Context, options layers.SweepOptions) (layers.Swept, error) {
	if err := ctx.Err(); err != nil {
		return layers.Swept{}, err
	}
	root, err := os.OpenRoot(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return layers.Swept{}, nil
	}
	if err != nil {
		return layers.Swept{}, s.failed("write to", err)
	}
	defer root.Close()
	if options.DryRun { // which needs no right to write
		swept, err := sweepBlobs(root, options)
		if err != nil {
			err = s.failed("read", err)
		}
		return swept, err
	}
	var swept layers.Swept
	err = locked(ctx, root, func() (err error) {
		swept, err = sweepBlobs(root, options)
		sweep(root)
		return err
	})
	if err != nil {
		err = s.failed("write to", err)
	}
	return swept, err
}

func sweepBlobs(root *os.Root, options layers.SweepOptions) (layers.Swept, error) {
	index, err := readIndex(root)
	if errors.Is(err, fs.ErrNotExist) {
		return layers.Swept{}, nil // then it is hardly an image layout
	}
	if err != nil {
		return layers.Swept{}, err
	}
	for _, name := range options.Without {
		index.remove(name)
	}
	content, err := index.marshal()
	if err != nil {
		return layers.Swept{}, err
	}
	paths, err := unreached(root, content)
	if errors.Is(err, fs.ErrNotExist) {
		return layers.Swept{}, nil
	}
	var swept layers.Swept
	for _, path := range paths {
		info, statErr := root.Stat(path)
		if statErr != nil || !options.Before.IsZero() && !info.ModTime().Before(options.Before) {
			continue
		}
		if !options.DryRun {
			if err := root.Remove(path); err != nil {
				return swept, err
			}
		}
		swept.Blobs++
		swept.Bytes += info.Size()
	}
	return swept, err
}

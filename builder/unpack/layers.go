package unpack

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// Layers makes sure that every layer of img is unpacked and returns their
// directories, absolute and lowest first, ready to be the lower directories of
// an overlay mount: whiteouts are 0/0 character devices, opaque directories have
// the extended attribute for the kind of mount that Options.UserXattr names. A
// layer that the image has more than once is returned once, and one that is
// hidden as a whole is left out; overlayfs wants it so. The directories must not
// be written to. They stay until Close.
//
// Each layer is unpacked by itself: a path through a symbolic link of a lower
// layer is not followed, and a directory that a layer uses but does not list
// has mode 0755 and owner 0:0.
//
// The error is ErrNoWhiteouts when the store's file system refuses the marks, a
// *DigestError when a layer is not what the image says, a *DirError when there
// is no room, and ctx.Err() when ctx ends first. report may be nil.
func (s *Store) Layers(ctx context.Context, img v1.Image, report progress.Reporter) ([]string, error) {
	if report == nil {
		report = progress.Discard
	}
	all, err := describe(img)
	if err != nil {
		return nil, err
	}
	layers := topmost(all)
	m := trustedMarks
	if s.opts.UserXattr {
		m = userMarks
	}
	if missing := s.missing(layers); len(missing) > 0 {
		if err := s.canMark(m); err != nil {
			return nil, err
		}
		report.Info(fetching(missing, len(layers)))
	} else {
		report.Info("Builder layers already unpacked")
	}
	if err := s.unpackAll(ctx, layers, m, report); err != nil {
		return nil, err
	}
	var paths []string
	for _, l := range slices.Backward(layers) {
		paths = append(paths, s.path(layerKind, l.diffID))
		// overlayfs does not look at the root of a lower directory for this.
		if allOpaque(paths[len(paths)-1], m) {
			break
		}
	}
	slices.Reverse(paths)
	return paths, nil
}

// unpackAll unpacks what is missing, several layers at a time, the largest
// first because they take longest.
func (s *Store) unpackAll(ctx context.Context, layers []layer, m marks, report progress.Reporter) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.parallel())
	bySize := slices.SortedStableFunc(slices.Values(layers), func(a, b layer) int { return cmp.Compare(b.size, a.size) })
	for _, l := range bySize {
		group.Go(func() error {
			path := s.path(layerKind, l.diffID)
			return s.hold(ctx, path, func(temp string) error {
				s.reportDamage(path, report)
				t, err := newTree(temp, s.opts.Owner, m)
				if err != nil {
					return err
				}
				defer t.close()
				if err := l.applyTo(ctx, t, s.stream(ctx, l), report); err != nil {
					return err
				}
				if err := t.finish(); err != nil {
					return fmt.Errorf("layer %s: unpack: %w", l.digest, err)
				}
				return nil
			})
		})
	}
	return group.Wait()
}

// reportDamage says that something is unpacked again, if it is.
func (s *Store) reportDamage(path string, report progress.Reporter) {
	if exists(path) {
		report.Info(fmt.Sprintf("Unpacking a part of the builder again: %s is damaged, or of an older pack-cache", path))
	}
}

// topmost keeps, of layers that are there more than once, the highest: it hides
// everything that the others have.
func topmost(layers []layer) []layer {
	var kept []layer
	seen := map[v1.Hash]bool{}
	for _, l := range slices.Backward(layers) {
		if !seen[l.diffID] {
			seen[l.diffID] = true
			kept = append(kept, l)
		}
	}
	slices.Reverse(kept)
	return kept
}

func (s *Store) missing(layers []layer) []layer {
	return slices.DeleteFunc(slices.Clone(layers), func(l layer) bool {
		return exists(s.path(layerKind, l.diffID))
	})
}

// fetching is the message about layers that have to be fetched.
func fetching(missing []layer, of int) string {
	var size int64
	for _, l := range missing {
		size += l.size
	}
	return fmt.Sprintf("Fetching builder: %d of %d layers, %s", len(missing), of, megabytes(size))
}

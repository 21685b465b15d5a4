package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// Flat makes sure that img is unpacked as one tree and returns its directory,
// absolute, which is named after the chain of diffIDs. There are no overlay
// marks in it. Symbolic links on the way to an entry are followed inside the
// image, as if it were the root. The directory must not be written to. It stays
// until Close.
//
// The error is a *DigestError when a layer is not what the image says, a
// *DirError when there is no room, and ctx.Err() when ctx ends first. report may
// be nil.
func (s *Store) Flat(ctx context.Context, img v1.Image, report progress.Reporter) (string, error) {
	if report == nil {
		report = progress.Discard
	}
	layers, err := describe(img)
	if err != nil {
		return "", err
	}
	path := s.path(flatKind, chainID(layers))
	filled := false
	err = s.hold(ctx, path, func(temp string) error {
		filled = true
		s.reportDamage(path, report)
		report.Info(fetching(layers, len(layers)))
		return s.flatten(ctx, temp, layers, nil, report)
	})
	if err != nil {
		return "", err
	}
	if !filled {
		report.Info("Builder layers already unpacked")
	}
	return path, nil
}

// flatten applies one layer after the other, while the next ones are already
// being fetched and decompressed.
func (s *Store) flatten(ctx context.Context, dir string, layers []layer, keep *keeping, report progress.Reporter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t, err := newTree(dir, s.opts.Owner, noMarks)
	if err != nil {
		return err
	}
	t.keep = keep
	defer t.close()
	var streams []*stream
	for i, l := range layers {
		for n := len(streams); n < min(i+1+s.parallel(), len(layers)); n++ {
			streams = append(streams, s.stream(ctx, layers[n]))
		}
		if err := l.applyTo(ctx, t, streams[i], report); err != nil {
			return err
		}
		streams[i] = nil
	}
	if err := t.finish(); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}

// chainID identifies the layers applied one after the other (OCI image
// specification, config.md, "Layer ChainID").
func chainID(layers []layer) v1.Hash {
	chain := ""
	for _, l := range layers {
		if chain == "" {
			chain = l.diffID.String()
			continue
		}
		sum := sha256.New()
		sum.Write([]byte(chain + " " + l.diffID.String()))
		chain = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	}
	if chain == "" {
		return v1.Hash{Algorithm: "sha256", Hex: "empty"}
	}
	return v1.Hash{Algorithm: "sha256", Hex: chain[len("sha256:"):]}
}

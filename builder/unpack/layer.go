package unpack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/progress"
)

// layer is a layer with what the image says about it.
type layer struct {
	v1.Layer
	digest, diffID v1.Hash
	size           int64 // of the blob
}

// describe returns the layers of an image, lowest first.
func describe(img v1.Image) ([]layer, error) {
	list, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("list layers: %w", err)
	}
	layers := make([]layer, len(list))
	for i, l := range list {
		if layers[i], err = describeLayer(l); err != nil {
			return nil, fmt.Errorf("layer %d of %d: %w", i+1, len(list), err)
		}
	}
	return layers, nil
}

func describeLayer(l v1.Layer) (layer, error) {
	digest, err := l.Digest()
	if err != nil {
		return layer{}, err
	}
	diffID, err := l.DiffID()
	if err != nil {
		return layer{}, err
	}
	size, err := l.Size()
	if err != nil {
		return layer{}, err
	}
	for _, h := range []v1.Hash{digest, diffID} {
		// Both come from outside, and become names of files.
		if _, err := v1.NewHash(h.String()); err != nil || h.Algorithm != "sha256" {
			return layer{}, fmt.Errorf("unsupported digest %q", h)
		}
	}
	return layer{Layer: l, digest: digest, diffID: diffID, size: size}, nil
}

// applyTo unpacks the layer on top of what the tree has. Only when that has
// worked is the content known to be the right one.
func (l layer) applyTo(ctx context.Context, t *tree, archive *stream, report progress.Reporter) error {
	defer archive.stop()
	begin := time.Now()
	clear(t.notes)
	t.bound = archive.bound
	err := t.apply(ctx, archive)
	var unreadable *archiveError
	if err == nil || errors.As(err, &unreadable) {
		// The tar ends before the stream does, and a stream that is damaged says
		// more than what the tar reader made of it.
		if damage := archive.drain(); damage != nil {
			return damage
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, bounds.ErrExceeded) {
		return &BoundError{Layer: l.digest, err: err}
	}
	if err != nil {
		return fmt.Errorf("layer %s: unpack: %w", l.digest, err)
	}
	report.Debug(fmt.Sprintf("Unpacked layer %s: %s in %s%s",
		l.digest, megabytes(l.size), time.Since(begin).Round(time.Millisecond), remarks(t.notes)))
	return nil
}

// remarks lists what a layer has that could not be kept.
func remarks(notes map[string]int) string {
	var b strings.Builder
	for i, what := range slices.Sorted(maps.Keys(notes)) {
		if i == 10 {
			b.WriteString("; and more")
			break
		}
		fmt.Fprintf(&b, "; skipped %s (%d)", what, notes[what])
	}
	return b.String()
}

func megabytes(n int64) string {
	const mb = 1_000_000
	if n < mb {
		return fmt.Sprintf("%.1f MB", float64(n)/mb)
	}
	return fmt.Sprintf("%d MB", (n+mb/2)/mb)
}

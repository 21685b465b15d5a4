package layers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Checked is a layer that was read whole.
type Checked struct {
	Content
	// Err says what is wrong with it: it wraps ErrCorrupt or ErrNotFound if it is
	// damaged or lost, and is any other error if it could not be read.
	Err error
}

// Check reads every blob of the snapshot and holds it against its digest and its
// diffID. done, if not nil, is told of each layer as soon as it was read. The
// error is ctx's. Size in the result is what was found.
func (s *Snapshot) Check(ctx context.Context, done func(Checked)) ([]Checked, error) {
	var all []Checked
	known := map[string]Checked{}
	for _, content := range s.Contents() {
		one, again := known[content.DiffID]
		if !again {
			one.Size, one.Err = s.check(ctx, content)
			known[content.DiffID] = one
		}
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		size := one.Size
		one.Content = content
		if size > 0 {
			one.Size = size
		}
		all = append(all, one)
		if done != nil {
			done(one)
		}
	}
	return all, nil
}

// check reads one layer and returns the size of its archive.
func (s *Snapshot) check(ctx context.Context, content Content) (int64, error) {
	if len(content.Blobs) == 0 {
		return 0, fmt.Errorf("the cache names the layer but does not hold it: %w", ErrNotFound)
	}
	reading, err := s.open(ctx, content.Layer, "", nil)
	if err != nil {
		return 0, err
	}
	defer reading.Close()
	hash := sha256.New()
	size, err := io.CopyBuffer(hash, struct{ io.Reader }{reading}, make([]byte, 256<<10))
	if err != nil {
		return 0, err
	}
	if err := reading.finish(); err != nil {
		return size, err
	}
	if said := content.decoded(); said >= 0 && said != size {
		return size, fmt.Errorf("archive has %d bytes instead of %d: %w", size, said, ErrCorrupt)
	}
	if got := blob.HashOf(hash).String(); got != content.DiffID {
		return size, fmt.Errorf("archive has diffID %s instead of %s: %w", got, content.DiffID, ErrCorrupt)
	}
	return size, nil
}

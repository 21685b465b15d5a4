package layers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// CopyRequest says what to copy where.
type CopyRequest struct {
	From *Snapshot
	To   Store
	Name string
	// Overwrite replaces what Name stands for even if that is no cache.
	Overwrite bool
	// Done, if not nil, is told of every blob that is there, from several
	// goroutines.
	Done func(blob v1.Descriptor, sent int64)
}

// Copied says what Copy did.
type Copied struct {
	// Digest is the manifest that the name stands for now: the copy's is the
	// original's.
	Digest v1.Hash
	// Changed is false if the name stood for it already.
	Changed bool
	// Blobs counts those of the snapshot, Bytes their sizes and the manifest's; Sent
	// is what had to be transferred.
	Blobs       int
	Bytes, Sent int64
	Duration    time.Duration
}

// Copy makes a name in a store stand for a snapshot of another one, byte for
// byte: blobs are streamed and verified, not compressed anew, and those that are
// there are left alone. The name moves when every blob is there. What stands
// under it and is not a cache stays, unless request.Overwrite; the error then
// wraps ErrForeign.
func Copy(ctx context.Context, request CopyRequest) (*Copied, error) {
	started := time.Now()
	previous, err := standing(ctx, request)
	if err != nil {
		return nil, err
	}
	copied := &Copied{Bytes: int64(len(request.From.raw))}
	var sent atomic.Int64
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(max(4, runtime.GOMAXPROCS(0)))
	for _, one := range request.From.reaches() {
		copied.Blobs++
		copied.Bytes += one.Size
		group.Go(func() error {
			n, err := copyBlob(inner, request.From.store, request.To, one)
			if lost := (*blob.SourceError)(nil); errors.As(err, &lost) {
				return fmt.Errorf("reading %s: %w", request.From, lost.Err)
			}
			if err != nil {
				return fmt.Errorf("copying to %s: %w", At(request.To.String(), request.Name), err)
			}
			sent.Add(n)
			if request.Done != nil {
				request.Done(one, n)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	copied.Sent = sent.Load()
	committed, err := request.To.Commit(ctx, request.Name, string(request.From.mediaType), request.From.raw, previous)
	if err != nil {
		return nil, fmt.Errorf("copying to %s: %w", At(request.To.String(), request.Name), err)
	}
	copied.Digest = committed.Digest
	if copied.Changed = previous != committed.Digest; copied.Changed {
		copied.Sent += int64(len(request.From.raw))
	}
	copied.Duration = time.Since(started)
	return copied, nil
}

// standing returns what the name stands for now.
func standing(ctx context.Context, request CopyRequest) (v1.Hash, error) {
	there, err := Load(ctx, request.To, request.Name)
	foreign := (*ForeignError)(nil)
	damaged := AsDamaged(err)
	switch {
	case errors.Is(err, ErrNotFound):
		return v1.Hash{}, nil
	case damaged != nil:
		return damaged.Digest, nil
	case errors.As(err, &foreign) && request.Overwrite:
		return foreign.Digest, nil
	case err != nil:
		return v1.Hash{}, err
	}
	return there.Digest(), nil
}

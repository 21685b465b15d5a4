package layers

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// ErrNotFound says that a store does not have a snapshot or a blob. An error that
// wraps it may have a method Missing() string that says why there cannot be any.
var ErrNotFound = errors.New("not found")

// ErrDenied says that the caller may not do this with the store.
var ErrDenied = errors.New("denied")

// ErrConflict says that a name moved between Resolve and Commit.
var ErrConflict = errors.New("changed by another build meanwhile")

// ErrGaveUp says that a store has tried several times already: trying again at
// once makes no sense.
var ErrGaveUp = web.ErrGaveUp

// ErrCorrupt says that bytes are not what their digest promises, or that they
// are not an archive that may be unpacked.
var ErrCorrupt = blob.ErrCorrupt

// Store keeps named manifests and the blobs they reach, all addressed by their
// sha256 digest. Implementations are safe for concurrent use, stop when their
// context ends (returning its error), keep secrets out of every error, and pass
// storetest.
type Store interface {
	// String names the store for the user, without secrets, as in
	// "registry.example.com/team/cache".
	String() string
	// Resolve returns the manifest that name stands for: its descriptor
	// (media type, digest, size) and its bytes, checked against the digest. The
	// error wraps ErrNotFound when there is none, ErrDenied when it may not be
	// read, and ErrCorrupt, as a *DamagedError, when there is one that is lost or
	// broken. A store that addresses manifests by name alone returns what it
	// finds.
	Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error)
	// Open reads length bytes of a blob from offset on; length -1 reads to the
	// end. What lies beyond the end of the blob is not there: reading it gives
	// io.EOF. A transfer that breaks off never does, and a read after ctx has
	// ended gives its error. What Open returns is not verified; callers do that.
	// The error wraps ErrNotFound when the blob is not there. A blob of another
	// Store at the same place is sure to be found only if a manifest names it that
	// Resolve has returned.
	Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error)
	// Push stores a blob. It calls open at most once, and not at all when want
	// names a digest that the store already has; what open returned is closed
	// before Push returns, unless ctx has ended. The returned descriptor has
	// digest and size of what was stored and the media type of want. A blob is
	// there whole or not at all: when reading or closing it fails, Push returns
	// that error, and content with another digest than that of want is an error.
	Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (Pushed, error)
	// Commit makes name stand for manifest, all of whose blobs are there. It is
	// the only thing that changes what Resolve answers. previous is the
	// manifest digest that the caller started from, the zero Hash for none;
	// where the store can tell that name no longer stands for it, the error
	// wraps ErrConflict and nothing changed. To commit what name stands for
	// already succeeds, whatever previous is. What is damaged is replaced when
	// previous is the Digest of the *DamagedError that Resolve returns now.
	Commit(ctx context.Context, name string, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error)
}

// Pushed says what Store.Push did.
type Pushed struct {
	Descriptor v1.Descriptor
	// Sent is how many bytes went over the wire; 0 if the blob was there.
	Sent int64
}

package layers

import (
	"context"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Lister is an optional interface of stores that know which names they have.
type Lister interface {
	// List returns every name that Resolve would find, in any order; none is no
	// error, and neither is a store that has not been made yet. A name may stand
	// for something that is not a cache. The error wraps ErrDenied when the names
	// may not be seen.
	List(ctx context.Context) ([]Listed, error)
}

// Listed is a name in a store, and what the store knows of it without reading a
// manifest.
type Listed struct {
	Name string
	// Digest is that of the manifest; the zero Hash if the store does not know.
	Digest v1.Hash
	// Changed is when the name was made to stand for it; zero if the store does
	// not know.
	Changed time.Time
}

// Deleter is an optional interface of stores in which a name can be deleted.
type Deleter interface {
	// Delete makes name stand for nothing, if it stands for digest; where it
	// stands for something else by now, the error wraps ErrConflict and nothing
	// changed. Other names stay as they are: a store that can only delete a
	// manifest with all of its names refuses where there is another one. Blobs
	// may stay behind, for Sweeper or for the store itself. The error wraps
	// ErrNotFound when there is no such name, and ErrDenied when it may not be
	// deleted.
	Delete(ctx context.Context, name string, digest v1.Hash) error
}

// AllDeleter is an optional interface of Deleters that can delete all names of a
// manifest together where they could not delete one of them.
type AllDeleter interface {
	// DeleteAll is Delete for names that all stand for digest.
	DeleteAll(ctx context.Context, names []string, digest v1.Hash) error
}

// Sweeper is an optional interface of stores that can remove the blobs that no
// name leads to.
type Sweeper interface {
	// Sweep removes them and says what it removed. What was stored after
	// options.Before stays, because a build that has not committed yet may need
	// it; so does everything that is not the store's own.
	Sweep(ctx context.Context, options SweepOptions) (Swept, error)
}

// SweepOptions say what to remove. The zero value removes everything that no
// name leads to.
type SweepOptions struct {
	// Before is when a blob must have been stored, or touched, to be removed; the
	// zero time is no condition.
	Before time.Time
	// Without are names that are taken for gone, for a DryRun of what comes after
	// their deletion.
	Without []string
	// DryRun removes nothing, and only says what would go.
	DryRun bool
}

// Swept is what was removed, or would be.
type Swept struct {
	Blobs int
	Bytes int64
}

// Refresher is an optional interface of stores that have something to do when an
// unchanged snapshot is saved again.
type Refresher interface {
	// Refresh is called in place of Commit when name stands for digest already and
	// shall go on to. It returns false where Commit is still needed.
	Refresh(ctx context.Context, name string, digest v1.Hash) (bool, error)
}

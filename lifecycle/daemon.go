package lifecycle

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Daemon keeps images, as Docker's does. Implementations are safe for concurrent
// use.
type Daemon interface {
	// Probe finds out whether the daemon answers. The error says what is wrong
	// and has a Hint() string with the remedy.
	Probe(ctx context.Context) error
	// String is where it is, for messages.
	String() string
	// Find returns an image by name or id. The error wraps fs.ErrNotExist if there
	// is none. The caller closes the image.
	Find(ctx context.Context, reference string) (DaemonImage, error)
	// Load reads images from an archive as `docker load` does.
	Load(ctx context.Context, archive io.Reader) error
	// Incremental tells whether Load needs no content for layers that the daemon
	// has already on top of the same lower ones.
	Incremental(ctx context.Context) (bool, error)
}

// DaemonImage is an image in a Daemon. Its layers are plain archives, which the
// daemon gives out all together: whoever asks for the size or the content of one
// has all of them sent. Its manifest is not that of a registry, and its config is
// made of what the daemon says of it.
type DaemonImage interface {
	v1.Image
	// ID is what the daemon knows the image by.
	ID() string
	// Digests are the names by digest that it has in registries.
	Digests() []string
	// Open reads a directory of the image's file system as an archive, without
	// all the rest. The names of its entries begin with the last part of path.
	// The error wraps fs.ErrNotExist if it is not there.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
	// Close lets go of what was sent. It is idempotent.
	Close() error
}

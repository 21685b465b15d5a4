// Package ocidir keeps snapshots in a directory, in the form of an OCI image
// layout (image specification, "OCI Image Layout Specification"): blobs below
// blobs/sha256, and names in index.json. Other tools read it as images, and what
// other tools keep in it stays as it is.
//
// Blobs and index.json are written beside their place and renamed, so a reader
// needs no lock and no right to write. Writers lock index.json.lock, as BuildKit
// does.
//
// What it is not for: being on another machine (a phase reaches the directory
// through the process that started it, see package phases), and verifying blobs
// that are read (package layers).
package ocidir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// Config says which directory a Store keeps its snapshots in.
type Config struct {
	// Dir is the directory. It is made when something is stored. What is in it
	// must be an image layout, or nothing.
	Dir string
	// Reset removes the blobs that index.json does not reach any more when a name
	// moves. What a build has just written that runs at the same time stays.
	Reset bool
}

// Store keeps snapshots in a directory. It is safe for concurrent use, also by
// several processes.
type Store struct {
	dir   string
	reset bool

	// ready is set when the directory is known to be an image layout.
	ready atomic.Bool
	// writing is set from the first Push to Commit.
	writing writing
}

var _ layers.Store = (*Store)(nil)

// New returns the store that config describes. It does no I/O.
func New(config Config) *Store {
	return &Store{dir: filepath.Clean(config.Dir), reset: config.Reset}
}

// String returns the directory.
func (s *Store) String() string { return s.dir }

// Names in an image layout.
const (
	layoutName = "oci-layout"
	indexName  = "index.json"
	lockName   = "index.json.lock"
	blobsName  = "blobs/sha256"
	// tempPrefix begins the names of files that are being written.
	tempPrefix = ".pack-cache-"
)

// blobPath is where a blob is in the layout.
func blobPath(digest v1.Hash) string { return blobsName + "/" + digest.Hex }

// Resolve implements layers.Store. name is a tag, that is the annotation
// org.opencontainers.image.ref.name, or a digest.
func (s *Store) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	if err := ctx.Err(); err != nil {
		return v1.Descriptor{}, nil, err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return v1.Descriptor{}, nil, s.failed("read", err)
	}
	defer root.Close()
	found := v1.Descriptor{}
	if digest, err := v1.NewHash(name); err == nil {
		found.Digest = digest
	} else {
		index, err := readIndex(root)
		if lost := lostIndex(root, err); lost != "" {
			return v1.Descriptor{}, nil, s.damaged(name, lost, v1.Hash{})
		}
		if err != nil {
			return v1.Descriptor{}, nil, s.failed("read", err)
		}
		entry, ok := index.find(name)
		if !ok {
			return v1.Descriptor{}, nil, s.notFound("the name " + name)
		}
		found.Digest, found.MediaType = entry.Digest, entry.MediaType
	}
	raw, err := readManifest(root, found.Digest)
	switch {
	case errors.Is(err, fs.ErrNotExist) && name != found.Digest.String():
		return v1.Descriptor{}, nil, s.damaged(name, fmt.Sprintf("its manifest %s is lost", found.Digest), found.Digest)
	case errors.Is(err, layers.ErrCorrupt):
		return v1.Descriptor{}, nil, s.damaged(name, "its manifest is broken: "+err.Error(), found.Digest)
	case err != nil:
		return v1.Descriptor{}, nil, s.failed("read", err)
	}
	if found.MediaType == "" {
		found.MediaType = mediaTypeOf(raw)
	}
	found.Size = int64(len(raw))
	return found, raw, nil
}

package ocidir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// layoutContent is the file oci-layout (image specification, "oci-layout file").
const layoutContent = `{"imageLayoutVersion":"1.0.0"}`

// open opens the directory for writing, and makes an image layout of it if it is
// not there or empty.
func (s *Store) open(ctx context.Context) (*os.Root, error) {
	if s.ready.Load() {
		return os.OpenRoot(s.dir)
	}
	if err := os.MkdirAll(s.dir, 0o777); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	if err := makeLayout(ctx, root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s.ready.Store(true)
	return root, nil
}

func makeLayout(ctx context.Context, root *os.Root) error {
	_, err := root.Stat(layoutName)
	if errors.Is(err, fs.ErrNotExist) {
		err = locked(ctx, root, func() error {
			if err := refuseForeign(root); err != nil {
				return err
			}
			if err := makeIndex(root); err != nil {
				return err
			}
			return writeFile(root, layoutName, []byte(layoutContent))
		})
	}
	if err != nil {
		return err
	}
	return root.MkdirAll(blobsName, 0o777)
}

// makeIndex writes an index.json without entries if there is none, before there is
// a layout: so a layout without one has lost it.
func makeIndex(root *os.Root) error {
	if _, err := root.Lstat(indexName); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	content, err := newIndex().marshal()
	if err != nil {
		return err
	}
	return writeFile(root, indexName, content)
}

// refuseForeign fails if there is something that is no image layout, for which
// the directory was hardly meant.
func refuseForeign(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case name == layoutName, name == "blobs" && hasBlobs(root), name == indexName && hasIndex(root):
			return nil
		case name == lockName || name == "lost+found" || strings.HasPrefix(name, "."):
			// Of ours, of the file system, or of nobody.
		default:
			return hint.Errorf("give the cache a directory of its own, for example "+root.Name()+"/pack-cache",
				"the directory holds %s and is not an OCI image layout", name)
		}
	}
	return nil
}

// hasIndex tells whether index.json is one of images, and not of something else.
func hasIndex(root *os.Root) bool {
	_, err := readIndex(root)
	return err == nil
}

// hasBlobs tells whether the directory is that of a layout that has lost
// everything else.
func hasBlobs(root *os.Root) bool {
	info, err := root.Stat(blobsName)
	return err == nil && info.IsDir()
}

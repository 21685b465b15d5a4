package outlet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/ocidir"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// LayoutName is what an app image is called in index.json of a layout that has
// no other name for it.
const LayoutName = "latest"

// Layout keeps an app image in a directory with an OCI layout. Other images
// there stay; blobs that none of them needs any more go.
type Layout struct {
	Dir string
	// Name is what the image is called in index.json.
	Name string
	// Tags are the names that `docker load` gives it.
	Tags []string
	Run  *Source
	// Previous is nil if there is none.
	Previous *Source
}

// OpenLayout reads an image out of a directory: nil if there is none of that
// name, or if not all of it is there.
func OpenLayout(ctx context.Context, dir, name string) (*Source, error) {
	store := ocidir.New(ocidir.Config{Dir: dir})
	found, _, err := store.Resolve(ctx, name)
	if errors.Is(err, layers.ErrNotFound) || err == nil && !found.MediaType.IsImage() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	path, err := layout.FromPath(dir)
	if err != nil {
		return nil, err
	}
	img, err := path.Image(found.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		info, err := os.Stat(filepath.Join(dir, "blobs", blob.Digest.Algorithm, blob.Digest.Hex))
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() != blob.Size {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return &Source{Name: dir, Reference: found.Digest.String(), Image: img, Exact: true}, nil
}

// Known describes what the image is made of.
func (l *Layout) Known() (phases.KnownImages, error) { return KnownImages(l.Run, l.Previous, false) }

// Begin has nothing to do.
func (l *Layout) Begin(context.Context) {}

// Close has nothing to do.
func (l *Layout) Close() error { return nil }

// Layer implements phases.Apps.
func (l *Layout) Layer(_ context.Context, diffID v1.Hash) (io.ReadCloser, error) {
	return readLayer(l.Previous, diffID)
}

// Save implements phases.Apps.
func (l *Layout) Save(ctx context.Context, app phases.App) (saved phases.Saved, err error) {
	_, statErr := os.Lstat(l.Dir)
	store := ocidir.New(ocidir.Config{Dir: l.Dir, Reset: true})
	old, _, err := store.Resolve(ctx, l.Name)
	if err != nil && !errors.Is(err, layers.ErrNotFound) {
		return phases.Saved{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.undo(context.WithoutCancel(ctx), store, errors.Is(statErr, fs.ErrNotExist)))
		}
	}()
	if err := l.push(ctx, store, app); err != nil {
		return phases.Saved{}, err
	}
	restore, err := l.list(app)
	if err != nil {
		return phases.Saved{}, err
	}
	committed, err := store.Commit(ctx, l.Name, string(mediaTypeOf(app.Manifest)), app.Manifest, old.Digest)
	if err != nil {
		return phases.Saved{}, errors.Join(err, restore())
	}
	return phases.Saved{Digest: committed.Digest.String()}, nil
}

// push stores the image's blobs. When one cannot be stored, or ctx ends, those that
// have begun come to an end before it returns, so that undo finds all there is to
// undo.
func (l *Layout) push(ctx context.Context, store layers.Store, app phases.App) error {
	const atOnce = 4
	all, unlessFailed := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, layer := range app.Layers {
		all.Go(func() error {
			if err := unlessFailed.Err(); err != nil {
				return err
			}
			_, err := store.Push(context.WithoutCancel(ctx), layer.Descriptor, func() (io.ReadCloser, error) {
				from, err := blobOf(ctx, layer, l.Run, l.Previous)
				if err != nil {
					return nil, err
				}
				content, err := from.open()
				if err != nil {
					return nil, err
				}
				return struct {
					io.Reader
					io.Closer
				}{until.Reader(ctx, content), content}, nil
			})
			return err
		})
	}
	all.Go(func() error {
		manifest, err := v1.ParseManifest(bytes.NewReader(app.Manifest))
		if err != nil {
			return err
		}
		_, err = store.Push(context.WithoutCancel(ctx), manifest.Config, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(app.Config)), nil
		})
		return err
	})
	return all.Wait()
}

// list writes manifest.json, by which `docker load` finds the image. It is there
// before index.json leads to the image: all blobs of either are, too. restore
// puts back what was there.
func (l *Layout) list(app phases.App) (restore func() error, err error) {
	path := filepath.Join(l.Dir, manifestName)
	before, err := userfile.ReadRegular(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	content, err := dockerList(app, l.Tags)
	if err != nil {
		return nil, err
	}
	if err := replace(path, func(w io.Writer) error { return writeAll(w, content) }); err != nil {
		return nil, err
	}
	return func() error {
		if missing {
			return os.Remove(path)
		}
		return replace(path, func(w io.Writer) error { return writeAll(w, before) })
	}, nil
}

// dockerList is a manifest.json for an image in an OCI layout.
func dockerList(app phases.App, tags []string) ([]byte, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(app.Manifest))
	if err != nil {
		return nil, err
	}
	entry := manifestEntry{Config: blobName(manifest.Config.Digest), RepoTags: tags}
	for _, layer := range app.Layers {
		entry.Layers = append(entry.Layers, blobName(layer.Descriptor.Digest))
	}
	return json.Marshal([]manifestEntry{entry})
}

func blobName(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

// undo removes what Save has stored.
func (l *Layout) undo(ctx context.Context, store *ocidir.Store, created bool) error {
	if err := store.Close(); err != nil {
		return err
	}
	if created {
		return os.RemoveAll(l.Dir)
	}
	_, err := store.Sweep(ctx, layers.SweepOptions{})
	return err
}

// CheckDir fails if a directory holds something that is no OCI layout, is no
// directory or cannot be written to, before anything has been built for it.
func CheckDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return userfile.CheckDir(dir)
	}
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return fmt.Errorf("%s: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return fmt.Errorf("%s holds %s and is not an OCI image layout", dir, entries[0].Name())
	}
	return errors.Join(userfile.CheckDir(dir), userfile.CheckDir(filepath.Join(dir, "blobs", "sha256")))
}

// mediaTypeOf is the media type that a manifest gives itself.
func mediaTypeOf(raw []byte) types.MediaType {
	var said struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if bounds.JSON(raw, &said) != nil || said.MediaType == "" {
		return types.OCIManifestSchema1
	}
	return said.MediaType
}

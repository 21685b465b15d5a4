package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// keptImage is an image in a daemon.
type keptImage struct {
	daemon *daemon
	found  image.InspectResponse
	config *v1.ConfigFile

	mu    sync.Mutex
	saved *saved // nil until somebody asks for layers
}

var _ lifecycle.DaemonImage = (*keptImage)(nil)

// missing says that a daemon has no such image.
type missing struct{ reference string }

// Error implements error.
func (m *missing) Error() string {
	return fmt.Sprintf("the docker daemon has no image %s", m.reference)
}

// Is makes errors.Is(err, fs.ErrNotExist) work.
func (m *missing) Is(target error) bool { return target == fs.ErrNotExist }

// ID implements lifecycle.DaemonImage.
func (i *keptImage) ID() string {
	if strings.Contains(i.found.ID, ":") {
		return i.found.ID
	}
	return "sha256:" + i.found.ID
}

// Digests implements lifecycle.DaemonImage.
func (i *keptImage) Digests() []string { return i.found.RepoDigests }

// ConfigName implements v1.Image: it is what the daemon finds the image by.
func (i *keptImage) ConfigName() (v1.Hash, error) { return v1.NewHash(i.ID()) }

// ConfigFile implements v1.Image.
func (i *keptImage) ConfigFile() (*v1.ConfigFile, error) { return i.config.DeepCopy(), nil }

// RawConfigFile implements v1.Image.
func (i *keptImage) RawConfigFile() ([]byte, error) { return json.Marshal(i.config) }

// MediaType implements v1.Image.
func (i *keptImage) MediaType() (types.MediaType, error) { return types.DockerManifestSchema2, nil }

// Digest implements v1.Image: the one that the image has in a registry, or its
// id.
func (i *keptImage) Digest() (v1.Hash, error) {
	for _, name := range i.found.RepoDigests {
		if _, digest, ok := strings.Cut(name, "@"); ok {
			return v1.NewHash(digest)
		}
	}
	return i.ConfigName()
}

// Layers implements v1.Image.
func (i *keptImage) Layers() ([]v1.Layer, error) {
	var layers []v1.Layer
	for at, diffID := range i.config.RootFS.DiffIDs {
		layers = append(layers, &keptLayer{i, at, diffID})
	}
	return layers, nil
}

// LayerByDiffID implements v1.Image.
func (i *keptImage) LayerByDiffID(diffID v1.Hash) (v1.Layer, error) {
	for at, one := range i.config.RootFS.DiffIDs {
		if one == diffID {
			return &keptLayer{i, at, diffID}, nil
		}
	}
	return nil, fmt.Errorf("image %s has no layer %s", i.ID(), diffID)
}

// LayerByDigest implements v1.Image. A plain layer has one digest.
func (i *keptImage) LayerByDigest(digest v1.Hash) (v1.Layer, error) { return i.LayerByDiffID(digest) }

// Manifest implements v1.Image.
func (i *keptImage) Manifest() (*v1.Manifest, error) {
	config, err := i.RawConfigFile()
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	manifest := &v1.Manifest{
		SchemaVersion: 2, MediaType: types.DockerManifestSchema2,
		Config: v1.Descriptor{MediaType: types.DockerConfigJSON, Digest: digest, Size: size},
	}
	layers, err := i.Layers()
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		described, err := partial.Descriptor(layer)
		if err != nil {
			return nil, err
		}
		manifest.Layers = append(manifest.Layers, *described)
	}
	return manifest, nil
}

// RawManifest implements v1.Image.
func (i *keptImage) RawManifest() ([]byte, error) {
	manifest, err := i.Manifest()
	if err != nil {
		return nil, err
	}
	return json.Marshal(manifest)
}

// Size implements v1.Image.
func (i *keptImage) Size() (int64, error) {
	raw, err := i.RawManifest()
	return int64(len(raw)), err
}

// all returns the layers' content, which the daemon sends once.
func (i *keptImage) all() (*saved, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.saved != nil {
		return i.saved, nil
	}
	ctx := context.Background() // a v1.Layer knows no other
	archive, err := i.daemon.api.ImageSave(ctx, []string{i.found.ID})
	if err != nil {
		return nil, step(err, "reading image %s", i.ID())
	}
	defer archive.Close()
	all, err := spool(archive, len(i.config.RootFS.DiffIDs))
	if err != nil {
		return nil, step(err, "reading image %s", i.ID())
	}
	i.saved = all
	return all, nil
}

// Close implements lifecycle.DaemonImage.
func (i *keptImage) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.saved == nil {
		return nil
	}
	err := i.saved.file.Close()
	i.saved = nil
	return err
}

// Open implements lifecycle.DaemonImage. A container is made of the image to look
// into it, and never started.
func (i *keptImage) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	api := i.daemon.api
	name := namePrefix + secret()
	made, err := api.ContainerCreate(ctx, &container.Config{
		Image: i.found.ID, Cmd: []string{"none"}, Labels: map[string]string{Label: name},
	}, &container.HostConfig{NetworkMode: "none"}, nil, nil, name)
	if err != nil {
		return nil, step(err, "looking into image %s", i.ID())
	}
	remove := func() error { return i.daemon.remove(context.WithoutCancel(ctx), made.ID) }
	archive, _, err := api.CopyFromContainer(ctx, made.ID, path)
	if errdefs.IsNotFound(err) {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, errors.Join(step(err, "looking into image %s", i.ID()), remove())
	}
	return &removing{archive, remove}, nil
}

// removing is an archive whose container goes when it is closed.
type removing struct {
	io.ReadCloser
	remove func() error
}

// Close implements io.Closer.
func (r *removing) Close() error { return errors.Join(r.ReadCloser.Close(), r.remove()) }

// keptLayer is a layer of an image in a daemon.
type keptLayer struct {
	of     *keptImage
	at     int
	diffID v1.Hash
}

// Digest implements v1.Layer.
func (l *keptLayer) Digest() (v1.Hash, error) { return l.diffID, nil }

// DiffID implements v1.Layer.
func (l *keptLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// MediaType implements v1.Layer.
func (l *keptLayer) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

// Size implements v1.Layer.
func (l *keptLayer) Size() (int64, error) {
	all, err := l.of.all()
	if err != nil {
		return 0, err
	}
	return all.layers[l.at].Size(), nil
}

// Compressed implements v1.Layer.
func (l *keptLayer) Compressed() (io.ReadCloser, error) { return l.Uncompressed() }

// Uncompressed implements v1.Layer.
func (l *keptLayer) Uncompressed() (io.ReadCloser, error) {
	all, err := l.of.all()
	if err != nil {
		return nil, err
	}
	part := all.layers[l.at]
	return io.NopCloser(io.NewSectionReader(part, 0, part.Size())), nil
}

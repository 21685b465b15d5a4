package sandbox

import (
	"context"
	"fmt"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/internal/progress"
)

// unpackInHelper unpacks an image whose layers come from pack-cache, and then
// holds the store until pack-cache is done with it.
func unpackInHelper(c *control, o *unpacking) error {
	img, err := partial.CompressedToImage(&pipedImage{unpacking: o, control: c})
	if err != nil {
		return err
	}
	report := noteReporter{Reporter: progress.Discard, control: c}
	store, dirs, err := o.Stores.unpack(context.Background(), unpack.Options{Owner: o.Identity.owner, UserXattr: true}, img, o.Flat, report)
	if err != nil {
		return err
	}
	if err := c.Send(message{Result: &result{Layers: dirs}}, nil); err != nil {
		return err
	}
	_, _, _ = c.Receive() // returns when pack-cache hangs up
	return store.Close()
}

// owner says who owns a file of the builder in this namespace. An id that the
// user does not have becomes root's, which no phase runs as.
func (id identity) owner(uid, gid int) (hostUID, hostGID int, chown bool) {
	if id.Kind == asSingle {
		return 0, 0, false
	}
	if !within(id.UIDs, uid) {
		uid = 0
	}
	if !within(id.GIDs, gid) {
		gid = 0
	}
	return uid, gid, true
}

// pipedImage is an image whose layers are asked for over a control socket.
type pipedImage struct {
	*unpacking
	mu      sync.Mutex // one question at a time
	control *control
}

// MediaType implements partial.CompressedImageCore.
func (i *pipedImage) MediaType() (types.MediaType, error) { return types.MediaType(i.Type), nil }

// RawManifest implements partial.CompressedImageCore.
func (i *pipedImage) RawManifest() ([]byte, error) { return i.Manifest, nil }

// RawConfigFile implements partial.CompressedImageCore.
func (i *pipedImage) RawConfigFile() ([]byte, error) { return i.Config, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (i *pipedImage) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	manifest, err := partial.Manifest(i)
	if err != nil {
		return nil, err
	}
	config, err := partial.ConfigFile(i)
	if err != nil {
		return nil, err
	}
	for n, descriptor := range manifest.Layers {
		if descriptor.Digest == digest && n < len(config.RootFS.DiffIDs) {
			return &pipedLayer{i, descriptor, config.RootFS.DiffIDs[n]}, nil
		}
	}
	return nil, fmt.Errorf("the builder has no layer %s", digest)
}

// open asks for the content of a layer.
func (i *pipedImage) open(digest v1.Hash) (io.ReadCloser, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.control.Send(message{Blob: digest.String()}, nil); err != nil {
		return nil, err
	}
	m, file, err := i.control.Receive()
	switch {
	case err != nil:
		return nil, err
	case m.Failure != nil:
		return nil, m.Failure
	case file == nil:
		return nil, fmt.Errorf("layer %s was not received", digest)
	}
	return file, nil
}

// pipedLayer is a layer of a pipedImage.
type pipedLayer struct {
	image      *pipedImage
	descriptor v1.Descriptor
	diffID     v1.Hash
}

// Digest implements partial.CompressedLayer.
func (l *pipedLayer) Digest() (v1.Hash, error) { return l.descriptor.Digest, nil }

// DiffID implements partial.WithDiffID: without it the whole layer would be read
// to compute what the image says.
func (l *pipedLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Compressed implements partial.CompressedLayer.
func (l *pipedLayer) Compressed() (io.ReadCloser, error) { return l.image.open(l.descriptor.Digest) }

// Size implements partial.CompressedLayer.
func (l *pipedLayer) Size() (int64, error) { return l.descriptor.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *pipedLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }

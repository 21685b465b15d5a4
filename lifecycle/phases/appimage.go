package phases

import (
	"errors"
	"io"
	"os"

	"github.com/buildpacks/imgutil"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// appImage is an image of Apps for the lifecycle's packages: one to read from,
// or the one that is being made.
type appImage struct {
	*imgutil.CNBImageCore
	name, reference string
	// lost says why it cannot be used, nil if it can.
	lost error
	// The rest is for the image that is being made.
	plain bool
	// files are the new layers, by diffID.
	files map[string]layerFile
	save  func(*appImage) error
}

var _ imgutil.Image = (*appImage)(nil)

// openKnown opens an image to read from; nil is one that is not there. read reads
// its layers.
func openKnown(name string, image *KnownImage, read layerReader) (*appImage, error) {
	if image == nil {
		core, err := imgutil.NewCNBImage(imgutil.ImageOptions{})
		return &appImage{CNBImageCore: core, name: name}, err
	}
	known, err := newKnown(*image, read)
	if err != nil {
		return nil, err
	}
	core, err := imgutil.NewCNBImage(imgutil.ImageOptions{BaseImage: known})
	return &appImage{CNBImageCore: core, name: name, reference: image.Reference}, err
}

// Name implements imgutil.Image.
func (i *appImage) Name() string { return i.name }

// Kind implements imgutil.Image.
func (i *appImage) Kind() string { return "pack-cache" }

// Found implements imgutil.Image.
func (i *appImage) Found() bool { return i.reference != "" }

// Valid implements imgutil.Image.
func (i *appImage) Valid() bool { return i.lost == nil }

// Identifier implements imgutil.Image.
func (i *appImage) Identifier() (imgutil.Identifier, error) { return identifier(i.reference), nil }

// identifier is what an image is known by.
type identifier string

// String implements imgutil.Identifier.
func (i identifier) String() string { return string(i) }

// ManifestSize implements imgutil.Image: 0 where there is no manifest.
func (i *appImage) ManifestSize() (int64, error) {
	if i.plain {
		return 0, nil
	}
	return i.CNBImageCore.ManifestSize()
}

// AddLayerWithDiffIDAndHistory implements imgutil.Image.
func (i *appImage) AddLayerWithDiffIDAndHistory(path, diffID string, history v1.History) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	i.files[diffID] = layerFile{Path: path, Size: info.Size()}
	if !i.plain {
		return i.CNBImageCore.AddLayerWithDiffIDAndHistory(path, diffID, history)
	}
	hash, err := v1.NewHash(diffID)
	if err != nil {
		return err
	}
	return i.AddLayerWithHistory(plainLayer(hash), history)
}

// AddOrReuseLayerWithHistory implements imgutil.Image.
func (i *appImage) AddOrReuseLayerWithHistory(path, diffID string, history v1.History) error {
	there, err := i.PreviousImageHasLayer(diffID)
	switch {
	case err != nil:
		return err
	case there:
		return i.ReuseLayerWithHistory(diffID, history)
	}
	return i.AddLayerWithDiffIDAndHistory(path, diffID, history)
}

// SaveAs implements imgutil.Image. The names are the caller's affair.
func (i *appImage) SaveAs(string, ...string) error {
	if err := i.SetCreatedAtAndHistory(); err != nil {
		return err
	}
	return i.save(i)
}

// Save implements imgutil.Image.
func (i *appImage) Save(additional ...string) error { return i.SaveAs(i.name, additional...) }

// What the lifecycle does not do when it builds.
var errNotPossible = errors.New("not possible with an image that others keep")

// AddLayer implements imgutil.Image.
func (i *appImage) AddLayer(string) error { return errNotPossible }

// AddLayerWithDiffID implements imgutil.Image.
func (i *appImage) AddLayerWithDiffID(string, string) error { return errNotPossible }

// Delete implements imgutil.Image.
func (i *appImage) Delete() error { return errNotPossible }

// Rename implements imgutil.Image.
func (i *appImage) Rename(name string) { i.name = name }

// SaveFile implements imgutil.Image.
func (i *appImage) SaveFile() (string, error) { return "", errNotPossible }

// plainLayer is a layer that is its own archive, by its diffID. What is in it is
// in a file that somebody else reads.
type plainLayer v1.Hash

// Digest implements v1.Layer.
func (l plainLayer) Digest() (v1.Hash, error) { return v1.Hash(l), nil }

// DiffID implements v1.Layer.
func (l plainLayer) DiffID() (v1.Hash, error) { return v1.Hash(l), nil }

// Size implements v1.Layer. It is of no importance.
func (l plainLayer) Size() (int64, error) { return 0, nil }

// MediaType implements v1.Layer.
func (l plainLayer) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

// Compressed implements v1.Layer.
func (l plainLayer) Compressed() (io.ReadCloser, error) { return nil, errNotPossible }

// Uncompressed implements v1.Layer.
func (l plainLayer) Uncompressed() (io.ReadCloser, error) { return nil, errNotPossible }

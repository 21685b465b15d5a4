package phases

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/extend"
)

// Apps keeps app images that no phase can bring to where they belong: a daemon,
// or a directory of the user. It is the caller's side: phases know its images by
// what they are told of them, and ask for the rest. Its methods are safe for
// concurrent use.
type Apps interface {
	// Layer opens a layer of the previous image, not compressed.
	Layer(ctx context.Context, diffID v1.Hash) (io.ReadCloser, error)
	// Save keeps an app image. When it fails, what was there is as it was.
	Save(ctx context.Context, app App) (Saved, error)
}

// KnownImage is an image as its caller has read it for a phase.
type KnownImage struct {
	// Name is what the user calls it.
	Name string `json:"name"`
	// Reference tells it from every other one: by digest, or the id that it has
	// in a daemon.
	Reference string `json:"reference"`
	// Manifest is empty for an image of which only a daemon knows.
	Manifest []byte `json:"manifest,omitempty"`
	Config   []byte `json:"config"`
}

// KnownImages are what an app image is made of.
type KnownImages struct {
	Run KnownImage `json:"run"`
	// Previous is nil if there is none.
	Previous *KnownImage `json:"previous,omitempty"`
	// Registry says that the images are in registries, where the phase reads their
	// layers and writes the app image with its grant. Everything else goes to Apps.
	Registry bool `json:"registry,omitempty"`
	// Looked is the name that the previous image was looked for under.
	Looked string `json:"looked,omitempty"`
	// Refused says that the registry has refused to let the previous image be read.
	Refused bool `json:"refused,omitempty"`
	// Plain says that layers are kept without compression, so that there is no
	// use for a manifest.
	Plain bool `json:"plain,omitempty"`
}

// App is an app image to keep.
type App struct {
	// Manifest is nil if the phase was told that there is no use for it.
	Manifest []byte
	Config   []byte
	// Layers are all of them, lowest first.
	Layers []AppLayer
}

// AppLayer is a layer of an app image.
type AppLayer struct {
	DiffID v1.Hash
	// Descriptor is what the manifest says of it.
	Descriptor v1.Descriptor
	// Open reads it, not compressed; nil for a layer of the run image or the
	// previous image. Size is how much that is.
	Open func(context.Context) (io.ReadCloser, error)
	Size int64
}

// Saved says how an app image is known where it was kept. One of the fields can
// be empty.
type Saved struct {
	// Digest is its manifest's, ID what a daemon knows it by.
	Digest string `json:"digest,omitempty"`
	ID     string `json:"id,omitempty"`
}

// appsQuestion is what a phase asks of Apps: Layer, or Save.
type appsQuestion struct {
	// Layer is the diffID of a layer of the previous image, to be written to
	// File in the volume of the state.
	Layer string   `json:"layer,omitempty"`
	File  string   `json:"file,omitempty"`
	Save  *saveApp `json:"save,omitempty"`
}

// saveApp is an app image. The files are in the volume of the state, by diffID.
type saveApp struct {
	Manifest []byte               `json:"manifest,omitempty"`
	Config   []byte               `json:"config"`
	Files    map[string]layerFile `json:"files,omitempty"`
}

type layerFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// answerApps does what a phase asks of Apps.
func (l lender) answerApps(ctx context.Context, apps Apps, q appsQuestion) (Saved, error) {
	switch {
	case apps == nil:
		return Saved{}, fmt.Errorf("this build keeps its app image in a registry")
	case q.Save != nil && !l.export:
		return Saved{}, fmt.Errorf("only export saves an app image")
	case q.Save != nil:
		app, err := l.app(*q.Save)
		if err != nil {
			return Saved{}, err
		}
		return apps.Save(ctx, app)
	}
	diffID, err := v1.NewHash(q.Layer)
	if err != nil {
		return Saved{}, err
	}
	if !isLoan(q.File) {
		return Saved{}, fmt.Errorf("%q is not a file of a loan", q.File)
	}
	return Saved{}, l.bringLayer(ctx, apps, diffID, q.File)
}

// bringLayer brings a layer to a file in the volume of the state. An archive
// begins with its size, which nobody knows before.
func (l lender) bringLayer(ctx context.Context, apps Apps, diffID v1.Hash, file string) error {
	layer, err := apps.Layer(ctx, diffID)
	if err != nil {
		return err
	}
	layer = bounds.SBOM(layer) // phases read no other one
	defer layer.Close()
	spool, err := os.CreateTemp("", "pack-cache-layer-")
	if err != nil {
		return err
	}
	defer spool.Close()
	if err := os.Remove(spool.Name()); err != nil {
		return err
	}
	size, err := io.Copy(spool, until.Reader(ctx, layer))
	if err != nil {
		return fmt.Errorf("layer %s of the previous image: %w", diffID, err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return l.importFile(ctx, file, size, spool)
}

// app puts together what a phase says of an app image.
func (l lender) app(said saveApp) (App, error) {
	known, err := newKnown(KnownImage{Manifest: said.Manifest, Config: said.Config}, nil)
	if err != nil {
		return App{}, err
	}
	layers, err := known.Layers()
	if err != nil {
		return App{}, err
	}
	app := App{Manifest: said.Manifest, Config: said.Config}
	for _, layer := range layers {
		one := AppLayer{}
		if one.DiffID, err = layer.DiffID(); err != nil {
			return App{}, err
		}
		descriptor, err := partial.Descriptor(layer)
		if err != nil {
			return App{}, err
		}
		one.Descriptor = *descriptor
		if file, ok := said.Files[one.DiffID.String()]; ok {
			if !isLayerFile(file.Path) || file.Size < 0 {
				return App{}, fmt.Errorf("layer %s: %q is not a layer of %d bytes that export has made", one.DiffID, file.Path, file.Size)
			}
			one.Size = file.Size
			one.Open = func(ctx context.Context) (io.ReadCloser, error) {
				return l.place.Export(ctx, lifecycle.VolumeState, file.Path)
			}
		}
		app.Layers = append(app.Layers, one)
	}
	return app, nil
}

// isLayerFile reports whether a path in the volume of the state can be that of a
// layer: export makes them, or image extensions have.
func isLayerFile(name string) bool {
	first, _, below := strings.Cut(name, "/")
	return below && path.Clean(name) == name && filepath.IsLocal(name) && (strings.HasPrefix(first, artifactsPrefix) || first == extend.Dir)
}

// previousLayer opens a layer of the previous image.
func (j *job) previousLayer(ctx context.Context, diffID string) (io.ReadCloser, error) {
	if err := os.MkdirAll(filepath.Join(j.Paths.State, loansDir), 0o700); err != nil {
		return nil, err
	}
	name := newLoan()
	if _, err := j.link.ask(ctx, question{Apps: &appsQuestion{Layer: diffID, File: name}}); err != nil {
		return nil, err
	}
	name = filepath.Join(j.Paths.State, name)
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	// It can be read as long as it is open.
	return file, os.Remove(name)
}

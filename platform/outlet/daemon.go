package outlet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Daemon keeps an app image in a daemon, under names that the daemon shows.
type Daemon struct {
	Daemon lifecycle.Daemon
	// Tags are all names of the image, the first one its own.
	Tags []string
	Run  *Source
	// RunTag is what the daemon calls the run image, "" if that has no tag.
	RunTag   string
	Progress progress.Reporter

	previous *Source
	// there are the layers of images that the daemon has.
	mu    sync.Mutex
	there [][]v1.Hash

	sending chan struct{} // closed when the run image has been sent
	stop    context.CancelFunc
}

// FindPrevious looks for the image whose layers may be reused. That there is none
// is no error.
func (d *Daemon) FindPrevious(ctx context.Context, name string) error {
	found, err := d.Daemon.Find(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d.previous = &Source{Name: name, Reference: found.ID(), Image: found}
	return d.has(found)
}

// Known describes what the image is made of.
func (d *Daemon) Known() (phases.KnownImages, error) { return KnownImages(d.Run, d.previous, true) }

// Begin sends the run image if the daemon lacks it, while other things go on: all
// app images that are based on it share it, and the next build finds it there.
func (d *Daemon) Begin(ctx context.Context) {
	ctx, d.stop = context.WithCancel(ctx)
	d.sending = make(chan struct{})
	go func() {
		defer close(d.sending)
		if err := d.bring(ctx); err != nil && ctx.Err() == nil {
			// Saving sends what is missing, and says what is wrong.
			d.Progress.Debug("sending the run image: " + err.Error())
		}
	}()
}

// bring makes sure that the daemon has the run image.
func (d *Daemon) bring(ctx context.Context) error {
	config, err := d.Run.Image.ConfigFile()
	if err != nil {
		return err
	}
	id, err := d.Run.Image.ConfigName()
	if err != nil {
		return err
	}
	references := []string{id.String()}
	if d.RunTag != "" {
		references = append(references, d.RunTag)
	}
	there, err := d.find(ctx, config.RootFS.DiffIDs, references...)
	if err != nil {
		return err
	}
	if there != "" {
		d.note(config.RootFS.DiffIDs)
		return nil
	}
	if d.RunTag == "" {
		return nil
	}
	d.Progress.Info(fmt.Sprintf("Sending run image %s to the docker daemon, which does not have it", d.RunTag))
	app, err := appOf(d.Run.Image)
	if err != nil {
		return err
	}
	if err := d.load(ctx, &archive{app: app, tags: []string{d.RunTag}, sources: []*Source{d.Run}}); err != nil {
		return err
	}
	d.note(config.RootFS.DiffIDs)
	return nil
}

// appOf is an image as if it were an app image that is made of it alone.
func appOf(img v1.Image) (phases.App, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return phases.App{}, err
	}
	var config v1.ConfigFile
	if err := bounds.JSON(raw, &config); err != nil {
		return phases.App{}, err
	}
	app := phases.App{Config: raw}
	for _, diffID := range config.RootFS.DiffIDs {
		app.Layers = append(app.Layers, phases.AppLayer{DiffID: diffID})
	}
	return app, nil
}

// has notes the layers of an image that the daemon has.
func (d *Daemon) has(img v1.Image) error {
	config, err := img.ConfigFile()
	if err == nil {
		d.note(config.RootFS.DiffIDs)
	}
	return err
}

func (d *Daemon) note(diffIDs []v1.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.there = append(d.there, diffIDs)
}

// Layer implements phases.Apps.
func (d *Daemon) Layer(ctx context.Context, diffID v1.Hash) (io.ReadCloser, error) {
	if sbom, err := d.openSBOM(ctx, diffID); sbom != nil || err != nil {
		return sbom, err
	}
	return readLayer(d.previous, diffID)
}

// Save implements phases.Apps.
func (d *Daemon) Save(ctx context.Context, app phases.App) (phases.Saved, error) {
	if d.sending != nil {
		select {
		case <-d.sending:
		case <-ctx.Done():
			return phases.Saved{}, ctx.Err()
		}
	}
	whole := &archive{app: app, tags: d.Tags, sources: []*Source{d.Run, d.previous}}
	partly := *whole
	var err error
	if partly.without, err = d.shared(ctx, app); err != nil {
		return phases.Saved{}, err
	}
	err = d.load(ctx, &partly)
	if err != nil && partly.without > 0 && ctx.Err() == nil {
		// An image that had the layers may have been removed meanwhile.
		d.Progress.Debug("the docker daemon wants the whole image: " + err.Error())
		err = d.load(ctx, whole)
	}
	if err != nil {
		return phases.Saved{}, err
	}
	return d.check(ctx, app)
}

// shared is how many of the lowest layers the daemon has, in their order.
func (d *Daemon) shared(ctx context.Context, app phases.App) (int, error) {
	incremental, err := d.Daemon.Incremental(ctx)
	if err != nil || !incremental {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	most := 0
	for _, layers := range d.there {
		n := 0
		for n < min(len(layers), len(app.Layers)) && layers[n] == app.Layers[n].DiffID {
			n++
		}
		most = max(most, n)
	}
	return most, nil
}

// load sends an archive.
func (d *Daemon) load(ctx context.Context, image *archive) error {
	read, write := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := image.write(ctx, write)
		write.CloseWithError(err)
		written <- err
	}()
	err := d.Daemon.Load(ctx, read)
	read.CloseWithError(io.ErrClosedPipe)
	// What cut the image short says more than that it was.
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		err = writeErr
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("sending the image to the docker daemon at %s: %w", d.Daemon, err)
	}
	return nil
}

// check makes sure that the daemon has the image, and returns what it knows it
// by: the digest of the config or, in some, that of a manifest of its own.
func (d *Daemon) check(ctx context.Context, app phases.App) (phases.Saved, error) {
	digest, err := sum(app.Config)
	if err != nil {
		return phases.Saved{}, err
	}
	var want []v1.Hash
	for _, layer := range app.Layers {
		want = append(want, layer.DiffID)
	}
	found, err := d.find(ctx, want, digest.String(), d.Tags[0])
	if err == nil && found == "" {
		err = fmt.Errorf("the docker daemon at %s does not show the image %s, which it has just taken", d.Daemon, d.Tags[0])
	}
	return phases.Saved{ID: found}, err
}

// find returns the id of the first image that the daemon has under one of the
// references and that has the given layers, "" for none.
func (d *Daemon) find(ctx context.Context, layers []v1.Hash, references ...string) (string, error) {
	for _, reference := range references {
		found, err := d.Daemon.Find(ctx, reference)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		config, err := found.ConfigFile()
		if err := errors.Join(err, found.Close()); err != nil {
			return "", err
		}
		if slices.Equal(config.RootFS.DiffIDs, layers) {
			return found.ID(), nil
		}
	}
	return "", nil
}

// Close ends what Begin has begun, and lets go of the images. It is idempotent.
func (d *Daemon) Close() error {
	if d.sending != nil {
		d.stop()
		<-d.sending
	}
	var all []error
	for _, source := range []*Source{d.Run, d.previous} {
		if source == nil {
			continue
		}
		if kept, ok := source.Image.(io.Closer); ok {
			all = append(all, kept.Close())
		}
	}
	return errors.Join(all...)
}

package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// builderLayers are the directories of an unpacked builder. They stay on disk
// until Close: the store, or the helper that has the store open, holds them.
type builderLayers struct {
	dirs   []string // lowest first
	store  *unpack.Store
	helper *process
}

// Close lets the store remove the directories. It may be called on nil.
func (b *builderLayers) Close() error {
	switch {
	case b == nil:
		return nil
	case b.helper != nil:
		b.helper.kill()
		return nil
	}
	return b.store.Close()
}

// unpacking is what a helper needs to know to unpack an image, apart from the
// layers, for which it asks.
type unpacking struct {
	Stores   stores   `json:"stores"`
	Identity identity `json:"identity"`
	// Flat asks for one tree instead of layers with overlay marks.
	Flat     bool           `json:"flat"`
	Type     string         `json:"type"`
	Manifest []byte         `json:"manifest"`
	Config   []byte         `json:"config"`
	User     lifecycle.User `json:"user"`
}

// unpackBuilder brings img into the store. As root this process does it;
// otherwise a helper in a user namespace like that of the phases, where ids
// have the meaning that they have for the phases. The helper has neither
// network nor credentials: it asks for layers, and this process fetches them.
func (h *host) unpackBuilder(ctx context.Context, img v1.Image, u lifecycle.User, report progress.Reporter) (*builderLayers, error) {
	if !h.identity.userNS() {
		store, dirs, err := h.stores.unpack(ctx, unpack.Options{}, img, !h.support.Layers, report)
		if err != nil {
			return nil, err
		}
		return &builderLayers{dirs: dirs, store: store}, nil
	}
	order := &unpacking{Stores: h.stores, Identity: h.identity, Flat: !h.support.Layers, User: u}
	if err := order.describe(img); err != nil {
		return nil, err
	}
	var stderr strings.Builder
	p, err := h.start(h.identity, starting{kind: helperProcess, user: u, stderr: &stderr})
	if err != nil {
		return nil, err
	}
	// The layers that it reads end with ctx. It then has time to remove what it
	// was unpacking.
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(stopGrace, func() { _ = p.cmd.Process.Kill() })
	})
	defer stop()
	dirs, err := serveUnpacking(p.control, img, order, report)
	if err != nil {
		p.kill()
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return &builderLayers{dirs: dirs, helper: p}, nil
}

// unpackInto unpacks img in the form that overlays can use here.
// unpack brings img into the main store or, where that cannot be written to and
// does not have it, into the spare one. The caller closes the store.
func (s stores) unpack(ctx context.Context, options unpack.Options, img v1.Image, flat bool, report progress.Reporter) (*unpack.Store, []string, error) {
	try := func(dir string) (*unpack.Store, []string, error) {
		store, err := unpack.Open(dir, options)
		if err != nil {
			return nil, nil, err
		}
		dirs, err := unpackInto(ctx, store, img, flat, report)
		if err != nil {
			return nil, nil, errors.Join(err, store.Close())
		}
		return store, dirs, nil
	}
	store, dirs, err := try(s.Main)
	if err != nil && s.Spare != "" && unpack.ReadOnly(err) {
		return try(s.Spare)
	}
	return store, dirs, err
}

func unpackInto(ctx context.Context, store *unpack.Store, img v1.Image, flat bool, report progress.Reporter) ([]string, error) {
	if !flat {
		return store.Layers(ctx, img, report)
	}
	dir, err := store.Flat(ctx, img, report)
	return []string{dir}, err
}

// describe fills in what the image says about itself.
func (o *unpacking) describe(img v1.Image) error {
	mediaType, err := img.MediaType()
	if err != nil {
		return err
	}
	o.Type = string(mediaType)
	if o.Manifest, err = img.RawManifest(); err != nil {
		return err
	}
	o.Config, err = img.RawConfigFile()
	return err
}

// serveUnpacking orders the unpacking from a helper and gives it the layers
// that it asks for.
func serveUnpacking(c *control, img v1.Image, order *unpacking, report progress.Reporter) ([]string, error) {
	if err := c.Send(message{Job: &job{Kind: jobUnpack, Unpack: order}}, nil); err != nil {
		return nil, fmt.Errorf("helper: %w", err)
	}
	var failures base.ReadErrors
	var unheard error
	for {
		m, _, err := c.Receive()
		switch {
		case err != nil:
			return nil, fmt.Errorf("helper: %w", cmp.Or(failures.First(), unheard, err))
		case m.Note != nil:
			m.Note.tell(report)
		case m.Failure != nil:
			// What cut a layer short is known here, its end only there.
			if err := failures.First(); err != nil {
				return nil, err
			}
			return nil, m.Failure
		case m.Result != nil:
			return m.Result.Layers, nil
		case m.Blob != "":
			err := sendLayer(c, img, m.Blob, &failures)
			switch {
			case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
				unheard = err // it has hung up, and may have said why
			case err != nil:
				return nil, fmt.Errorf("helper: %w", err)
			}
		}
	}
}

// sendLayer answers a request with a pipe from which the layer can be read as
// it is stored.
func sendLayer(c *control, img v1.Image, digest string, failures *base.ReadErrors) error {
	content, err := openLayer(img, digest)
	if err != nil {
		failures.Add(err)
		return c.Send(message{Blob: digest, Failure: confine.FailureOf(err)}, nil)
	}
	out, in, err := os.Pipe()
	if err != nil {
		content.Close()
		return err
	}
	defer out.Close()
	go func() {
		defer in.Close()
		defer content.Close()
		// The helper notices by itself that a layer was cut short.
		_, _ = io.Copy(in, failures.Of(content))
	}()
	return c.Send(message{Blob: digest}, out)
}

func openLayer(img v1.Image, digest string) (io.ReadCloser, error) {
	hash, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	layer, err := img.LayerByDigest(hash)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

package inplace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/inplace/takeoverimage"
)

// takeoverMark says that a container is one of pack-cache's own image.
const takeoverMark = takeoverimage.Mark

// Files in takeoverimage.WorkDir.
const (
	becomingFile = "becoming" // a builder is being unpacked
	becameFile   = "became"   // which one has been
)

// Takeover runs phases in pack-cache's own image, which it turns into the
// builder. It is safe for concurrent use.
type Takeover struct{ shared }

var _ lifecycle.Engine = (*Takeover)(nil)

// NewTakeover returns the engine. It does no I/O.
func NewTakeover(config Config) *Takeover {
	return &Takeover{shared{config: config, look: probeTakeover}}
}

// Traits implements lifecycle.Engine.
func (e *Takeover) Traits() lifecycle.Traits {
	return lifecycle.Traits{Name: "takeover", Where: "in pack-cache's own image"}
}

// Probe implements lifecycle.Engine.
func (e *Takeover) Probe(ctx context.Context) (lifecycle.Facts, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return lifecycle.Facts{}, err
	}
	return h.facts("in pack-cache's takeover image"), nil
}

// probeTakeover is the probe of a container of pack-cache's own image.
func probeTakeover(config Config) (*host, error) {
	if _, err := os.Stat(takeoverMark); err != nil {
		return nil, hint.With("run pack-cache in that image (`make takeover-image`)",
			elsewhere("this is not a container of pack-cache's takeover image: there is no "+takeoverMark))
	}
	if err := unix.Access("/usr", unix.W_OK|unix.X_OK); err != nil {
		return nil, hint.With("run the container without a read-only root file system, from the image as it is",
			&fs.PathError{Op: "write to", Path: "/usr", Err: err})
	}
	h, err := probe(config, takeoverimage.WorkDir)
	if err == nil {
		h.takeover = true
	}
	return h, err
}

// Open implements lifecycle.Engine. The first builder that is opened stays the
// container's.
func (e *Takeover) Open(ctx context.Context, spec lifecycle.PlaceSpec) (lifecycle.Place, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	return h.open(ctx, spec, func(ctx context.Context, p *place) error {
		return p.become(ctx, spec.Builder)
	})
}

// become turns the root into the builder.
func (p *place) become(ctx context.Context, img v1.Image) error {
	wanted, err := identity(img)
	if err != nil {
		return err
	}
	became, becoming := filepath.Join(takeoverimage.WorkDir, becameFile), filepath.Join(takeoverimage.WorkDir, becomingFile)
	is, err := os.ReadFile(became)
	switch {
	case err == nil && string(is) == wanted:
		p.report.Info("This container is that builder already")
		return nil
	case err == nil || exists(becoming):
		return hint.Errorf("start a new container for every builder", "this container already has another builder, or a part of one")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	keep, err := mountPoints()
	if err != nil {
		return err
	}
	keep = append(keep, takeoverimage.Dir, "/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
		tempDir, lifecycle.LayersDir, lifecycle.AppDir)
	if err := os.WriteFile(becoming, nil, 0o644); err != nil {
		return err
	}
	if err := unpack.Onto(ctx, img, "/", unpack.OntoOptions{Keep: keep}, p.report); err != nil {
		return confine.Step(err, "unpacking the builder")
	}
	return errors.Join(os.WriteFile(became, []byte(wanted), 0o644), os.Remove(becoming))
}

// identity tells builders apart by their content.
func identity(img v1.Image) (string, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	var ids []string
	for id := range slices.Values(config.RootFS.DiffIDs) {
		ids = append(ids, id.String())
	}
	return strings.Join(ids, "\n"), nil
}

package inplace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Config says what the engines work with. The zero value is useful.
type Config struct {
	// Executable is the statically linked program that the engine's own processes
	// and own phases run. It calls Child first of all. The default is the running
	// program.
	Executable string
}

// Engine runs phases in the builder image that pack-cache itself runs in. It is
// safe for concurrent use.
type Engine struct{ shared }

var _ lifecycle.Engine = (*Engine)(nil)

// New returns the engine. It does no I/O.
func New(config Config) *Engine {
	return &Engine{shared{config: config, look: probeInside}}
}

// Traits implements lifecycle.Engine.
func (e *Engine) Traits() lifecycle.Traits {
	return lifecycle.Traits{Name: "inplace", Where: "in the builder image", Resident: true}
}

// Probe implements lifecycle.Engine.
func (e *Engine) Probe(ctx context.Context) (lifecycle.Facts, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return lifecycle.Facts{}, err
	}
	facts := h.facts("inside a builder image")
	facts.Resident = h
	return facts, nil
}

// probeInside is the probe of a container that is a builder's.
func probeInside(config Config) (*host, error) {
	if _, err := os.Stat(takeoverMark); err == nil {
		return nil, elsewhere("this container is pack-cache's own image")
	}
	for _, path := range []string{detectorPath, orderPath} {
		if _, err := os.Stat(path); err != nil {
			return nil, hint.With("start pack-cache in the builder image: as `image:` of a GitLab CI job, as a step of a Tekton task",
				elsewhere("pack-cache does not run inside a builder image: there is no "+path))
		}
	}
	return probe(config, "")
}

// elsewhere says that an engine is for another kind of container.
type elsewhere string

// Error implements error.
func (e elsewhere) Error() string { return string(e) }

// Is makes it a lifecycle.ErrElsewhere.
func (e elsewhere) Is(target error) bool { return target == lifecycle.ErrElsewhere }

// Open implements lifecycle.Engine. The layers of the image are laid over the
// builder that is here.
func (e *Engine) Open(ctx context.Context, spec lifecycle.PlaceSpec) (lifecycle.Place, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	return h.open(ctx, spec, func(ctx context.Context, p *place) error {
		return p.layOver(ctx, spec.Builder)
	})
}

// layOver makes the buildpacks and the order that are in layers those of this
// builder. Its own files are not changed, because they might not be this
// user's: the lifecycle is told to look for buildpacks in a directory that has
// those of the builder and the others.
func (p *place) layOver(ctx context.Context, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil || len(layers) == 0 {
		return err
	}
	over, all := p.host.path(builderDir), p.host.path(buildpacks)
	if err := errors.Join(os.Mkdir(over, 0o755), os.Mkdir(all, 0o755)); err != nil {
		return err
	}
	if err := unpack.Onto(ctx, img, over, unpack.OntoOptions{}, p.report); err != nil {
		return err
	}
	for _, from := range []string{buildpacksPath, filepath.Join(over, buildpacksPath)} {
		if err := linkBuildpacks(from, all); err != nil {
			return err
		}
	}
	p.env = append(p.env, "CNB_BUILDPACKS_DIR="+all)
	if order := filepath.Join(over, orderPath); exists(order) {
		p.env = append(p.env, "CNB_ORDER_PATH="+order)
	}
	for _, dir := range []string{over, all} {
		p.more = append(p.more, confine.Rule{Path: dir, Access: confine.Read | confine.Execute})
	}
	return nil
}

// linkBuildpacks makes the directory all have every ID/VERSION that is in from,
// in place of what it has under that name.
func linkBuildpacks(from, all string) error {
	found, err := filepath.Glob(filepath.Join(from, "*", "*"))
	for _, dir := range found {
		relative, relErr := filepath.Rel(from, dir)
		to := filepath.Join(all, relative)
		if err := errors.Join(relErr, os.MkdirAll(filepath.Dir(to), 0o755)); err != nil {
			return err
		}
		if exists(to) {
			if err := os.Remove(to); err != nil {
				return err
			}
		}
		if err := os.Symlink(dir, to); err != nil {
			return err
		}
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// shared is what both engines have.
type shared struct {
	config Config
	look   func(Config) (*host, error)

	mu   sync.Mutex
	host *host // what the probe found; nil until it has succeeded
}

// ready returns what is known about this container, probing at the first call
// that succeeds.
func (s *shared) ready(ctx context.Context) (*host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host != nil {
		return s.host, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := s.look(s.config)
	if err != nil {
		return nil, err
	}
	s.host = h
	return h, nil
}

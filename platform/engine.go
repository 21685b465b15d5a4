package platform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// candidates returns the engine called wanted, or all of them.
func (p *Platform) candidates(wanted string) ([]lifecycle.Engine, error) {
	if wanted == "" || wanted == "auto" {
		return p.Engines, nil
	}
	known := []string{"auto"}
	for _, engine := range p.Engines {
		name := engine.Traits().Name
		if name == wanted {
			return []lifecycle.Engine{engine}, nil
		}
		known = append(known, name)
	}
	way := "choose one of " + strings.Join(known, ", ")
	if runtime.GOOS != "linux" {
		way += "; other engines work on Linux only"
	}
	return nil, hint.Usagef(way, "--engine %q is not known", wanted)
}

// choose names the engines of which something is true, for a hint.
func (p *Platform) choose(able func(lifecycle.Traits) bool) string {
	var flags []string
	for _, engine := range p.Engines {
		if traits := engine.Traits(); able(traits) {
			flags = append(flags, "--engine "+traits.Name)
		}
	}
	return "choose " + strings.Join(flags, " or ")
}

// chooseEngine finds the first candidate that can run the build, and lays
// everything out for it.
func (p *Platform) chooseEngine(ctx context.Context, r *resolved) error {
	var tried attempts
	for _, engine := range r.engines {
		name := engine.Traits().Name
		facts, err := r.try(ctx, engine)
		if err == nil {
			r.engine, r.traits = engine, engine.Traits()
			p.Progress.Info(fmt.Sprintf("Engine %s: %s", name, tried.reason(facts.How, p.Engines, r.Engine)))
			return r.settle(facts)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.Progress.Debug(fmt.Sprintf("Engine %s cannot run this build: %v", name, err))
		tried = append(tried, attempt{name, err})
	}
	if len(tried) == 1 {
		return fmt.Errorf("engine %s: %w", tried[0].engine, tried[0].err)
	}
	return &noEngineError{tried}
}

// try finds out what an engine is like here, and whether it can run the build.
func (r *resolved) try(ctx context.Context, engine lifecycle.Engine) (lifecycle.Facts, error) {
	facts, err := engine.Probe(ctx)
	if err != nil {
		return facts, err
	}
	switch {
	case facts.Untrusted != nil && !r.verdict.Trusted:
		return facts, facts.Untrusted
	case facts.NoNetwork != nil && r.Network == lifecycle.NetworkNone:
		return facts, facts.NoNetwork
	case facts.Resident != nil && r.builderRef != nil:
		return facts, facts.Resident.Is(ctx, r.builder.Image)
	case facts.Resident == nil && r.builderRef == nil:
		return facts, hint.Errorf("name one with --builder", "no builder was named")
	}
	return facts, nil
}

// settle makes the build one for the engine that was chosen.
func (r *resolved) settle(facts lifecycle.Facts) error {
	if !r.traits.Mounts {
		r.paths = facts.Paths
	}
	if facts.Resident == nil {
		return nil
	}
	// The builder is there already: only what is laid over it has to come.
	config, err := r.builder.Image.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs, config.History = nil, nil
	bare, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		return err
	}
	r.image, err = r.extra.Apply(bare)
	return err
}

// resident is the builder that pack-cache runs in, nil if there is none.
func resident(ctx context.Context, engines []lifecycle.Engine) lifecycle.Resident {
	for _, engine := range engines {
		if !engine.Traits().Resident {
			continue
		}
		if facts, err := engine.Probe(ctx); err == nil {
			return facts.Resident
		}
	}
	return nil
}

// noBuilder says what is missing where there is no builder. In a container that is a
// builder's, it is the reason why that builder cannot be used.
func noBuilder(ctx context.Context, engines []lifecycle.Engine) error {
	for _, engine := range engines {
		traits := engine.Traits()
		if !traits.Resident {
			continue
		}
		_, err := engine.Probe(ctx)
		if errors.Is(err, lifecycle.ErrElsewhere) && len(engines) > 1 {
			continue
		}
		return hint.Errorf(otherBuilder, "no builder given, and engine %s cannot use the one that pack-cache runs in: %w", traits.Name, err)
	}
	return hint.Usagef("name one with --builder", "no builder given")
}

const otherBuilder = "or name a builder with --builder, for the other engines"

// notHere says why a build cannot have the builder that pack-cache runs in, which
// would be there: its flags ask for another engine.
func (p *Platform) notHere(r *resolved) error {
	opts, err := r.Options, error(nil)
	for _, engine := range p.Engines {
		if traits := engine.Traits(); traits.Resident {
			opts.Engine = traits.Name
			_, err = p.able([]lifecycle.Engine{engine}, opts, r.platform)
		}
	}
	return hint.Errorf(otherBuilder, "no builder given: %w", err)
}

// defaultBuilder takes the builder that pack-cache runs in, or else that of
// config.toml, if the user and the project name none.
func (p *Platform) defaultBuilder(ctx context.Context, r *resolved) {
	if r.Builder == "" && p.Config != nil && resident(ctx, r.engines) == nil {
		r.Builder = p.Config.DefaultBuilder
	}
}

// builderImage reads the builder.
func (p *Platform) builderImage(ctx context.Context, r *resolved) (v1.Image, error) {
	if r.builderRef != nil {
		img, err := p.have(ctx, r, need{what: "builder", ref: r.builderRef, anonymous: p.builderAnonymous(r)})
		return img, p.builderUnnamed(r, err)
	}
	home := resident(ctx, r.engines)
	if home == nil {
		return nil, p.notHere(r)
	}
	return home.Image(ctx)
}

// builderName is what the builder is called.
func (r *resolved) builderName() string {
	if r.builderRef == nil {
		return "that pack-cache runs in"
	}
	return r.builderRef.Context().String() + "@" + r.builder.Digest.String()
}

// attempt is an engine that was tried in vain.
type attempt struct {
	engine string
	err    error
}

type attempts []attempt

// reason says in a few words why an engine was chosen, and how it works.
func (tried attempts) reason(how string, all []lifecycle.Engine, wanted string) string {
	var parts []string
	for _, a := range tried {
		if !errors.Is(a.err, lifecycle.ErrElsewhere) {
			parts = append(parts, "not "+a.engine+" ("+firstLine(a.err)+")")
		}
	}
	if how != "" {
		parts = append([]string{how}, parts...)
	}
	switch {
	case wanted != "" && wanted != "auto":
		parts = append(parts, "chosen with --engine")
	case len(all) == 1:
		parts = append(parts, "the only engine on this operating system")
	}
	return strings.Join(parts, "; ")
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// noEngineError says that nothing can run phases here.
type noEngineError struct{ tried attempts }

// Error is a table of what was tried.
func (e *noEngineError) Error() string {
	var b strings.Builder
	b.WriteString("no engine can run phases here; tried:")
	for _, a := range e.tried {
		for i, line := range strings.Split(a.err.Error(), "\n") {
			name := ""
			if i == 0 {
				name = a.engine
			}
			fmt.Fprintf(&b, "\n  %-9s %s", name, line)
		}
	}
	return b.String()
}

// Hint lists a way out for each engine.
func (e *noEngineError) Hint() string {
	b := strings.Builder{}
	b.WriteString("one of these helps:")
	for _, a := range e.tried {
		if way := hint.Of(a.err); way != "" {
			fmt.Fprintf(&b, "\n  - for %s: %s", a.engine, way)
		}
	}
	return b.String()
}

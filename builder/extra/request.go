package extra

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/progress"
)

// Request is what the user and the project ask for.
type Request struct {
	// Buildpacks are what is built with instead of the builder's order.
	Buildpacks []Source
	// Pre and Post go before and after every group of the builder's order. They
	// have no effect where Buildpacks are given.
	Pre, Post []Source
	// Extensions are the image extensions that are detected with instead of the
	// builder's.
	Extensions []Source
	// Progress hears of downloads and warnings. It may be nil.
	Progress progress.Reporter
}

// Source is one place in an order, and where its buildpack comes from.
type Source struct {
	// Locator is as the user wrote it: ID[@VERSION] of a buildpack of the
	// builder, also as urn:cnb:builder:ID or from=builder:ID; from=builder for
	// the builder's whole order; a directory, a .tgz, .tar or .cnb file, an
	// http(s) URL of one; docker://REF or REF for a buildpackage.
	Locator string
	// Dir is what a relative path in Locator is relative to; "" is the current
	// directory.
	Dir string
	// Within is the directory of the source tree that names the buildpack; "" if
	// the user does. A source tree may name neither files outside of it nor
	// addresses that only this machine can reach.
	Within string
	// Script is a buildpack written in the project descriptor. Locator is empty
	// then.
	Script *Script
}

// Script is an inline buildpack (CNB project descriptor, "script"): it always
// passes detect, and its build is Inline, run by Shell.
type Script struct {
	// ID and API are needed. Version is 0.0.0, Shell is /bin/sh if empty.
	ID, Version, API, Shell, Inline string
}

// Fetch reads the image of a buildpackage, as its reference was written, for the
// builder's target. fromSource says that the source tree names it, not the user.
type Fetch func(ctx context.Context, ref string, fromSource bool) (v1.Image, error)

// Resolve finds everything that is asked for and returns what is to be laid over
// the builder; nothing if nothing is asked for. The caller closes the Additions
// when nobody reads their layers any more.
//
// Errors about a buildpack are of type *Error, except those of fetch.
func Resolve(ctx context.Context, b *builder.Builder, req Request, fetch Fetch) (*Additions, error) {
	if len(req.Buildpacks)+len(req.Pre)+len(req.Post)+len(req.Extensions) == 0 {
		return &Additions{}, nil
	}
	r, err := newResolver(b, req.Progress, fetch)
	if err != nil {
		return nil, err
	}
	x, err := r.forExtensions(b)
	if err != nil {
		return nil, err
	}
	additions, err := r.resolve(ctx, req, x)
	if err != nil {
		r.spool.close()
		return nil, err
	}
	return additions, nil
}

// resolver is one call of Resolve, for buildpacks or for image extensions.
type resolver struct {
	of       species
	progress progress.Reporter
	fetch    Fetch
	spool    *spool
	target   builder.Target
	// modules, order, extensions, apis and stack are what the builder has.
	modules           builder.Modules
	order, extensions builder.Order
	apis              []string
	stack             builder.Stack
	// stacks says that the build is by a Platform API that has stacks.
	stacks bool
	// found is what was found outside the builder, in the order of the request.
	found []module
}

// module is a buildpack that was found, and the layer that has it.
type module struct {
	id, version string
	builder.Module
	layer v1.Layer
}

func (m module) name() string { return m.id + "@" + m.version }

func newResolver(b *builder.Builder, reporter progress.Reporter, fetch Fetch) (*resolver, error) {
	r := &resolver{of: buildpacks, progress: reporter, fetch: fetch, spool: &spool{limit: bounds.MaxBuildpack}, target: b.Target}
	if r.progress == nil {
		r.progress = progress.Discard
	}
	var err error
	if r.modules, err = b.Modules(); err != nil {
		return nil, err
	}
	if r.order, r.extensions, err = b.Order(); err != nil {
		return nil, err
	}
	if r.stack, err = b.Stack(); err != nil {
		return nil, err
	}
	r.stacks = b.HasStacks()
	r.apis, err = b.BuildpackAPIs()
	return r, err
}

// forExtensions returns a resolver for image extensions that keeps its files
// where r does.
func (r *resolver) forExtensions(b *builder.Builder) (*resolver, error) {
	x := *r
	x.of = extensions
	var err error
	x.modules, err = b.Extensions()
	return &x, err
}

func (r *resolver) resolve(ctx context.Context, req Request, x *resolver) (*Additions, error) {
	order, err := r.newOrder(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := r.checkComposites(); err != nil {
		return nil, err
	}
	if err := r.checkSupport(); err != nil {
		return nil, err
	}
	if len(req.Extensions) > 0 {
		if r.extensions, err = x.extensionOrder(ctx, req.Extensions); err != nil {
			return nil, err
		}
	}
	return r.lay(order, x)
}

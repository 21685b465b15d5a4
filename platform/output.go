package platform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
	"github.com/pack-cache/pack-cache/trust"
)

// Destination is a kind of place that app images go to.
type Destination string

// The destinations.
const (
	// ToDaemon leaves the image in a Docker daemon.
	ToDaemon Destination = ""
	// ToRegistry publishes the image.
	ToRegistry Destination = "registry"
	// ToLayout is a directory with an OCI layout, ToLayoutFile an archive of one.
	ToLayout     Destination = "oci-directory"
	ToLayoutFile Destination = "oci-file"
	// ToDockerFile is an archive for `docker load`.
	ToDockerFile Destination = "docker-file"
	// ToNowhere makes no app image: the cache alone is wanted.
	ToNowhere Destination = "none"
)

// String names the destination for results.
func (d Destination) String() string {
	if d == ToDaemon {
		return "daemon"
	}
	return string(d)
}

// Output says where the app image goes.
type Output struct {
	To Destination
	// Path is that of a directory or file, absolute.
	Path string
}

// appOutlet is where an app image goes that is not published.
type appOutlet interface {
	phases.Apps
	// Known describes the images that the app image is made of.
	Known() (*phases.KnownImages, error)
	// Begin starts what need not wait for the app image.
	Begin(ctx context.Context)
	// Close ends that and is idempotent.
	Close() error
}

// checkOutput refuses where an app image cannot go, before anything is asked of
// a registry.
func (p *Platform) checkOutput(ctx context.Context, r *resolved) error {
	switch r.Output.To {
	case ToDaemon:
		if err := r.probeDaemon(ctx); err != nil {
			return &hintedError{fmt.Errorf("the app image would go to a docker daemon: %w", err),
				"add --publish to publish the image, or build oci:DIRECTORY to have it in a directory, or start a docker daemon"}
		}
	case ToLayout:
		if err := outlet.CheckDir(r.Output.Path); err != nil {
			return NewUsageError("the app image cannot be kept there: "+err.Error(), "name a directory that is empty, is not there yet, or holds an OCI layout")
		}
	case ToLayoutFile, ToDockerFile:
		if err := outlet.CheckFile(r.Output.Path); err != nil {
			return NewUsageError("the app image cannot be written there: "+err.Error(), "name a file in a directory that you may write to")
		}
	}
	return nil
}

// findDaemon finds the daemon that keeps images: the one that --docker-host names
// or the usual one, whatever engine runs the phases.
func (p *Platform) findDaemon(r *resolved) {
	for _, engine := range p.Engines {
		if daemonic, ok := engine.(lifecycle.Daemonic); ok {
			r.daemon = at(daemonic, r.DockerHost).Images()
			return
		}
	}
}

func (r *resolved) probeDaemon(ctx context.Context) error {
	if r.daemon == nil {
		return errors.New("no engine has one")
	}
	return r.daemon.Probe(ctx)
}

// openOutlet makes the outlet of an image that is not published, when the run
// image is known.
func (p *Platform) openOutlet(ctx context.Context, r *resolved) error {
	var tags []string
	for _, image := range r.names {
		tags = append(tags, outlet.NameOf(image.ref))
	}
	switch r.Output.To {
	case ToRegistry, ToNowhere:
		return nil
	case ToDaemon:
		return p.openDaemonOutlet(ctx, r, tags)
	case ToLayout:
		previous, err := p.previousFor(ctx, r, r.Output.Path)
		r.outlet = &outlet.Layout{Dir: r.Output.Path, Name: outlet.LayoutName, Tags: tags, Run: r.run, Previous: previous}
		return err
	}
	previous, err := p.previousFor(ctx, r, "")
	r.outlet = &outlet.File{Path: r.Output.Path, Docker: r.Output.To == ToDockerFile, Tags: tags, Run: r.run, Previous: previous}
	return err
}

func (p *Platform) openDaemonOutlet(ctx context.Context, r *resolved, tags []string) error {
	to := &outlet.Daemon{Daemon: r.daemon, Tags: tags, Run: r.run, Progress: p.Progress}
	if tag, ok := r.runRef.(tagged); ok {
		to.RunTag = outlet.NameOf(tag)
	}
	r.outlet = to
	previous := tags[0]
	if r.PreviousImage != "" {
		ref, err := r.parse("previous image", r.PreviousImage)
		if err != nil {
			return err
		}
		previous = outlet.NameOf(ref)
	}
	return to.FindPrevious(ctx, previous)
}

// previousFor finds the image whose layers may be reused: what --previous-image
// names, or else what is in a directory, "" for none. That it is not there is no
// error.
func (p *Platform) previousFor(ctx context.Context, r *resolved, dir string) (*outlet.Source, error) {
	if other, ok := layoutPath(r.PreviousImage); ok {
		path, err := filepath.Abs(other)
		if err != nil {
			return nil, err
		}
		return outlet.OpenLayout(ctx, path, outlet.LayoutName)
	}
	if r.PreviousImage == "" {
		if dir == "" {
			return nil, nil
		}
		return outlet.OpenLayout(ctx, dir, outlet.LayoutName)
	}
	ref, err := r.parse("previous image", r.PreviousImage)
	if err != nil {
		return nil, err
	}
	img, err := p.pull(ctx, r, "previous image", ref)
	if _, gone := errors.AsType[*notThereError](err); gone {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sourceOf(r.PreviousImage, ref, img)
}

// refuseBuilders fails if the app image would get the name of an image that
// builds are made with.
func (p *Platform) refuseBuilders(r *resolved) error {
	if p.Config == nil {
		return nil
	}
	for _, name := range r.names {
		if image := p.Config.LifecycleImage; image != "" {
			if ref, err := r.parse("lifecycle image", image); err == nil && (purpose{"", image, ref}).tag() == name.tag() {
				return reserved(name, "the lifecycle image of "+p.Config.Path())
			}
		}
		if verdict := trust.Judge(name.ref, v1.Hash{}, trust.JudgeInput{Config: p.Config}); verdict.Trusted {
			return reserved(name, "a trusted builder")
		}
	}
	return nil
}

func reserved(name purpose, what string) error {
	return NewUsageError(fmt.Sprintf("%s %s is %s, which the build would overwrite", name.what, name.written, what), "choose another name for the "+name.what)
}

// pullPolicies are the values of --pull-policy.
var pullPolicies = []string{pullAlways, pullIfNotPresent, pullNever}

const (
	pullAlways       = "always"
	pullIfNotPresent = "if-not-present"
	pullNever        = "never"
)

// checkPullPolicy fills in the policy that the user has not given.
func (p *Platform) checkPullPolicy(r *resolved) error {
	where := "--pull-policy"
	if r.PullPolicy == "" && p.Config != nil && p.Config.PullPolicy != "" {
		where, r.PullPolicy = "pull-policy in "+p.Config.Path(), p.Config.PullPolicy
	}
	if r.PullPolicy == "" {
		r.PullPolicy = pullAlways
	}
	if !slices.Contains(pullPolicies, r.PullPolicy) {
		return NewUsageError(fmt.Sprintf("%s: there is no policy %q", where, r.PullPolicy), "choose always, if-not-present or never")
	}
	return nil
}

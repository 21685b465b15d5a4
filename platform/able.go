package platform

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// able leaves out engines that cannot do what the user asks for. That is refused
// if there is no other engine.
func (p *Platform) able(engines []lifecycle.Engine, opts Options, platform v1.Platform) ([]lifecycle.Engine, error) {
	wish, why, grants := wishOf(opts, platform)
	mounting := opts.Workspace != "" || len(opts.Volumes) > 0
	var able []lifecycle.Engine
	for _, engine := range engines {
		traits := engine.Traits()
		if (wish == "" || grants(traits)) && (traits.Mounts || !mounting) {
			able = append(able, at(engine, opts.DockerHost))
		}
	}
	switch {
	case len(able) > 0:
		return able, nil
	case wish != "":
		return nil, hint.Usagef(p.choose(grants), "%s: %s, which engine %s does not have", wish, why, opts.Engine)
	}
	return nil, hint.Usagef(p.choose(func(t lifecycle.Traits) bool { return t.Mounts }),
		"engine %s cannot mount anything, as --volume and --workspace ask for", opts.Engine)
}

// at is an engine at the address that --docker-host gives, if it has one.
func at(engine lifecycle.Engine, host string) lifecycle.Engine {
	addressed, ok := engine.(lifecycle.Addressed)
	if !ok || host == "" || host == "inherit" {
		return engine
	}
	return addressed.At(host)
}

// wishOf returns the first thing that only some engines can do, what it takes, and
// which engines have that.
func wishOf(opts Options, platform v1.Platform) (wish, why string, grants func(lifecycle.Traits) bool) {
	if wish, why = daemonWish(opts); wish == "" && foreign(platform) {
		return "--platform " + platform.String(), "programs for other processors need a daemon that can run them",
			func(t lifecycle.Traits) bool { return t.Foreign }
	}
	return wish, why, func(t lifecycle.Traits) bool { return t.Daemon }
}

// daemonWish returns the first thing that only an engine with a daemon can do,
// and what it takes.
func daemonWish(opts Options) (wish, why string) {
	for _, m := range opts.Volumes {
		if m.Named != "" {
			return fmt.Sprintf("--volume %s:%s", m.Named, m.Target), "volumes by name are those of a daemon"
		}
	}
	switch {
	case opts.DockerHost != "" && (opts.Output.To != ToDaemon || opts.Engine == "" || opts.Engine == "auto"):
		return "--docker-host " + opts.DockerHost, "it is the address of a daemon"
	case opts.UsernsHost:
		return "--userns-host", "it is about the user namespaces of a daemon"
	case opts.Network.OfDaemon():
		return fmt.Sprintf("--network %s", opts.Network), "networks by name are those of a daemon (others are host and none)"
	}
	return "", ""
}

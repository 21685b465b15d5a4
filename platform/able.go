package platform

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// able leaves out engines that cannot do what the user asks for. That is refused
// if there is no other engine.
func able(engines []lifecycle.Engine, opts Options, platform v1.Platform) ([]lifecycle.Engine, error) {
	wish, why := daemonWish(opts, platform)
	mounting := opts.Workspace != "" || len(opts.Volumes) > 0
	var able []lifecycle.Engine
	for _, engine := range engines {
		daemonic, hasDaemon := engine.(lifecycle.Daemonic)
		_, fixed := engine.(lifecycle.Fixed)
		switch {
		case wish != "" && !hasDaemon || mounting && fixed:
		case hasDaemon:
			able = append(able, at(daemonic, opts.DockerHost))
		default:
			able = append(able, engine)
		}
	}
	switch {
	case len(able) > 0:
		return able, nil
	case wish != "":
		return nil, hint.Usagef("choose --engine docker", "%s: %s, which engine %s does not have", wish, why, opts.Engine)
	}
	return nil, hint.Usagef("choose --engine sandbox or --engine docker",
		"engine %s cannot mount anything, as --volume and --workspace ask for", opts.Engine)
}

// at is an engine at the address that --docker-host gives.
func at(engine lifecycle.Daemonic, host string) lifecycle.Daemonic {
	if host == "" || host == "inherit" {
		return engine
	}
	return engine.At(host)
}

// daemonWish returns the first thing that only an engine with a daemon can do,
// and what it takes.
func daemonWish(opts Options, platform v1.Platform) (wish, why string) {
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
	case foreign(platform):
		return "--platform " + platform.String(), "programs for other processors take a daemon that can run them"
	}
	return "", ""
}

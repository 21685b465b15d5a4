package platform

import (
	"context"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/outlet"
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

// checkOutput refuses where an app image, or what comes with it, cannot go, before
// anything is asked of a registry.
func (p *Platform) checkOutput(ctx context.Context, r *resolved) error {
	switch r.Output.To {
	case ToDaemon:
		if err := r.probeDaemon(ctx); err != nil {
			return hint.Errorf("add --publish to publish the image, or build oci:DIRECTORY to have it in a directory, or start a docker daemon",
				"the app image would go to a docker daemon: %w", err)
		}
	case ToLayout:
		if err := outlet.CheckDir(r.Output.Path); err != nil {
			return hint.Usagef("name a directory that is empty, is not there yet, or holds an OCI layout", "the app image cannot be kept there: %v", err)
		}
	case ToLayoutFile, ToDockerFile:
		if err := outlet.CheckFile(r.Output.Path); err != nil {
			return hint.Usagef("name a file in a directory that you may write to", "the app image cannot be written there: %v", err)
		}
	}
	return r.checkArtifacts()
}

package layers

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The labels that carry a target's distribution, as the CNB Platform
// specification has them for run images. The first is written even when the
// distribution is unknown: its presence says that the rest of the config's
// platform is meant. The stock lifecycle writes a platform that says nothing
// about the layers.
const (
	distroNameLabel    = "io.buildpacks.base.distro.name"
	distroVersionLabel = "io.buildpacks.base.distro.version"
)

// Target is what a snapshot's layers were made for. An empty field is unknown;
// the zero Target is what a cache image of the stock lifecycle has.
type Target struct {
	OS, Architecture, Variant string
	DistroName, DistroVersion string
}

// String is such as "linux/arm64/v8 debian 13", without what is not known.
func (t Target) String() string {
	platform := strings.TrimRight(strings.Join([]string{t.OS, t.Architecture, t.Variant}, "/"), "/")
	distro := strings.TrimSpace(t.DistroName + " " + t.DistroVersion)
	s := strings.TrimSpace(platform + " " + distro)
	if s == "" {
		return "unknown"
	}
	return s
}

// Compatible says whether layers made for t can be used where other is wanted,
// and if not, why. What either side does not know does not count against it.
func (t Target) Compatible(other Target) (ok bool, reason string) {
	for _, field := range []struct{ name, made, wanted string }{
		{"operating system", t.OS, other.OS},
		{"architecture", t.Architecture, other.Architecture},
		{"architecture variant", t.Variant, other.Variant},
		{"distribution", t.DistroName, other.DistroName},
		{"distribution version", t.DistroVersion, other.DistroVersion},
	} {
		if field.made != "" && field.wanted != "" && field.made != field.wanted {
			return false, fmt.Sprintf("made for %s %s, this build is for %s", field.name, field.made, field.wanted)
		}
	}
	return true, ""
}

// targetOf reads the target from an image config.
func targetOf(config *v1.ConfigFile) Target {
	name, ok := config.Config.Labels[distroNameLabel]
	if !ok {
		return Target{}
	}
	return Target{
		OS:            config.OS,
		Architecture:  config.Architecture,
		Variant:       config.Variant,
		DistroName:    name,
		DistroVersion: config.Config.Labels[distroVersionLabel],
	}
}

// writeTo records the target in an image config whose labels are not nil.
func (t Target) writeTo(config *v1.ConfigFile) {
	config.OS, config.Architecture, config.Variant = t.OS, t.Architecture, t.Variant
	config.Config.Labels[distroNameLabel] = t.DistroName
	if t.DistroVersion != "" {
		config.Config.Labels[distroVersionLabel] = t.DistroVersion
	}
}

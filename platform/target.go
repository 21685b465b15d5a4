package platform

import (
	"cmp"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// hostPlatform is the platform of this machine's builders.
func hostPlatform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// parsePlatform reads what images a build is with, as OS[/ARCHITECTURE[/VARIANT]];
// "" is that of this machine.
func parsePlatform(written string) (v1.Platform, error) {
	here := hostPlatform()
	if written == "" {
		return here, nil
	}
	parts := strings.Split(written, "/")
	refuse := func(reason, way string) (v1.Platform, error) {
		return here, hint.Usagef(way, "--platform %q: %s", written, reason)
	}
	const form = "write it as linux/ARCHITECTURE[/VARIANT], such as linux/arm64"
	for _, part := range parts {
		if part == "" || len(parts) > 3 {
			return refuse("it is not a platform", form)
		}
	}
	if parts[0] != "linux" {
		return refuse("builders for "+parts[0]+" are not supported", form)
	}
	parts = append(parts, "", "")
	return v1.Platform{OS: parts[0], Architecture: cmp.Or(parts[1], here.Architecture), Variant: parts[2]}, nil
}

// foreign says that a platform's programs are not those of this machine.
func foreign(p v1.Platform) bool { return p.Architecture != runtime.GOARCH }

// fits fails if a builder is for another platform than the one that was asked
// for, or that phases can run on.
func (r *resolved) fits(target builder.Target) error {
	p := r.platform
	if target.OS == p.OS && (target.Architecture == "" || target.Architecture == p.Architecture) &&
		(p.Variant == "" || target.Variant == p.Variant) {
		return nil
	}
	it := strings.TrimSuffix(strings.Join([]string{target.OS, target.Architecture, target.Variant}, "/"), "/")
	if r.Platform != "" {
		return hint.Errorf("choose a builder for "+p.String()+", or another --platform", "it is for %s, but --platform is %s", it, p.String())
	}
	return hint.Errorf("build on a machine of that kind, or choose a builder for "+p.String(), "it is for %s, but this machine is %s", it, p.String())
}

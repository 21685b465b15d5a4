package platform

import (
	"context"
	"fmt"
	"slices"

	"github.com/buildpacks/lifecycle/api"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// group is what detect has chosen: the parts of group.toml that matter here (CNB
// Platform specification, "group.toml"). All of it comes from the builder's code.
type group struct {
	Buildpacks []groupMember `toml:"group"`
	Extensions []groupMember `toml:"group-extensions"`
}

type groupMember struct {
	ID      string `toml:"id"`
	Version string `toml:"version"`
	API     string `toml:"api"`
}

// readGroup reads the group that detect has left.
func (b *build) readGroup(ctx context.Context) (group, error) {
	var g group
	if err := b.readLayersFile(ctx, "group.toml", &g); err != nil {
		return g, err
	}
	return g, g.checkNames()
}

// checkNames refuses names that would lead elsewhere than to a directory of their
// own: detect takes what the builder's order and its buildpacks say.
func (g group) checkNames() error {
	for _, one := range slices.Concat(g.Buildpacks, g.Extensions) {
		err := phases.CheckID(one.ID)
		if err == nil && plain.Text(one.Version) != one.Version {
			err = fmt.Errorf("no version of a buildpack can be %q", one.Version)
		}
		if err != nil {
			return hint.Errorf("take another builder, or another version of it", "the builder's order or a buildpack.toml in it: %w", err)
		}
	}
	return nil
}

// checkAPIs fails if a buildpack speaks a Buildpack API that own phases do not. An
// old lifecycle in the builder speaks some that were given up since.
func (g group) checkAPIs() error {
	known := api.Buildpack.Supported
	for _, bp := range g.Buildpacks {
		version, err := api.NewVersion(bp.API)
		if err == nil && api.Buildpack.IsSupported(version) {
			continue
		}
		way := "take a newer version of the buildpack, or of the builder"
		if err == nil && version.Compare(api.Buildpack.Latest()) > 0 {
			way = "take a newer version of pack-cache, or an older one of the buildpack"
		}
		return hint.Errorf(way, "buildpack %s@%s speaks Buildpack API %q, and pack-cache speaks %s to %s",
			bp.ID, bp.Version, bp.API, known[0], api.Buildpack.Latest())
	}
	return nil
}

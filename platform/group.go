package platform

import (
	"context"

	"github.com/buildpacks/lifecycle/api"

	"github.com/pack-cache/pack-cache/internal/hint"
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
	return g, b.readLayersFile(ctx, "group.toml", &g)
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

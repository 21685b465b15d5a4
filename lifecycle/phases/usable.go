package phases

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/launch"

	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// usable returns metadata that an image brings along without what cannot be restored
// by it: names that are no names of directories, or that are taken for something else
// (CNB Buildpack specification, "Layers"), and data that cannot be written as TOML.
// It says what was dropped. What it was given stays as it is.
func usable(all []buildpack.LayersMetadata) (kept []buildpack.LayersMetadata, dropped []string) {
	for _, bp := range all {
		if !isBuildpackDir(launch.EscapeID(bp.ID)) {
			dropped = append(dropped, fmt.Sprintf("buildpack %q", bp.ID))
			continue
		}
		if bp.Store != nil && !encodable(bp.Store.Data) {
			dropped = append(dropped, bp.ID+":store.toml")
			bp.Store = nil
		}
		layers := bp.Layers
		bp.Layers = make(map[string]buildpack.LayerMetadata, len(layers))
		for _, name := range slices.Sorted(maps.Keys(layers)) {
			if layer := layers[name]; isLayerDir(name) && encodable(layer.Data) {
				bp.Layers[name] = layer
			} else {
				dropped = append(dropped, fmt.Sprintf("%s:%s", bp.ID, name))
			}
		}
		kept = append(kept, bp)
	}
	return kept, dropped
}

// isDirName reports whether name is one element of a path.
func isDirName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// CheckID refuses IDs of buildpacks and image extensions that could not have a
// directory of their own in the layers directory, or could not be shown.
func CheckID(id string) error {
	unseen := strings.ContainsFunc(id, func(r rune) bool { return !plain.Shows(r) })
	if filepath.IsAbs(id) || unseen || !isBuildpackDir(launch.EscapeID(id)) {
		return fmt.Errorf("no buildpack can have the id %q", id)
	}
	return nil
}

// isBuildpackDir reports whether a buildpack may have a directory of the name in the
// layers directory, beside those of the platform.
func isBuildpackDir(name string) bool {
	taken := []string{"config", "sbom", generatedDir, lifecycle.StageDir}
	return isDirName(name) && !slices.Contains(taken, name) && !slices.Contains(detectorsFiles, name)
}

// isLayerDir reports whether a layer may have a directory of the name beside the
// files of its buildpack.
func isLayerDir(name string) bool {
	taken := []string{"build", "launch", "store"}
	return isDirName(name) && !slices.Contains(taken, name) &&
		!strings.HasSuffix(name, ".toml") && !strings.HasSuffix(name, ".sha") && !strings.Contains(name, ".sbom.")
}

// encodable reports whether data from JSON can be the table metadata of a TOML file.
func encodable(data any) bool {
	return toml.NewEncoder(io.Discard).Encode(map[string]any{"metadata": data}) == nil
}

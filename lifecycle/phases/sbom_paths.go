package phases

import (
	"path"
	"slices"
	"strings"

	"github.com/buildpacks/lifecycle/phase"
)

// sbomName is the place of one SBOM below sbom/<kind>.
type sbomName struct {
	// buildpack is the directory of a buildpack, layer the name of its layer.
	buildpack, layer string
	// file is sbom.<format>.json.
	file string
}

// String is the path below sbom/<kind>.
func (n sbomName) String() string { return n.buildpack + "/" + n.layer + "/" + n.file }

// beside is where a buildpack finds it, below the directory of layers.
func (n sbomName) beside() string { return n.buildpack + "/" + n.layer + "." + n.file }

// parseSBOMName reads a path whose end is <buildpack>/<layer>/sbom.<format>.json,
// below the directories above, such as sbom/launch. What is not an SBOM of a layer is
// not ok.
func parseSBOMName(name string, above ...string) (sbomName, bool) {
	all := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	at := len(all) - 3
	if at < len(above) || !slices.Equal(all[at-len(above):at], above) {
		return sbomName{}, false
	}
	n := sbomName{all[at], all[at+1], all[at+2]}
	leaves := slices.Contains(strings.Split(name, "/"), "..") || strings.ContainsRune(name, 0)
	return n, !leaves && slices.Contains(phase.SBOMExtensions(), n.file)
}

// ofNoLayer tells whether a path below the directory layers is that of an SBOM which
// an image has and no layer: of what a buildpack installed for launch in all
// (sbom/launch/<buildpack>/sbom.<format>.json), or of older Buildpack APIs
// (sbom/launch/sbom.legacy.json). Nothing restores them.
func ofNoLayer(name, layers string) bool {
	below, ok := strings.CutPrefix(strings.Trim(name, "/"), strings.Trim(path.Join(layers, launchSBOM), "/")+"/")
	buildpack, file, deeper := strings.Cut(below, "/")
	switch {
	case !ok:
		return false
	case !deeper:
		return below == "sbom.legacy.json"
	}
	return buildpack != ".." && slices.Contains(phase.SBOMExtensions(), file)
}

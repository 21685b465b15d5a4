package extend

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/layers"
	"github.com/buildpacks/lifecycle/phase"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// Users returns what there is to warn of: Dockerfiles after which the image's user
// is root, and a user that is another one in the end. kind is build or run; configs
// are those of all images, beginning with that of the base.
func Users(kind string, dockerfiles []lifecycle.Dockerfile, configs []*v1.ConfigFile) []string {
	var warnings []string
	for i, d := range dockerfiles {
		if before, after := userOf(configs[i]), userOf(configs[i+1]); isRoot(after) && before != after {
			warnings = append(warnings, fmt.Sprintf("%s.Dockerfile of image extension %s changes the user of the image from %q to root; another one has to change it back", kind, d.Extension, before))
		}
	}
	if first, last := userOf(configs[0]), userOf(configs[len(configs)-1]); first != last && !isRoot(last) {
		warnings = append(warnings, fmt.Sprintf("image extensions change the user of the %s image from %q to %q", kind, first, last))
	}
	return warnings
}

func userOf(config *v1.ConfigFile) string {
	user, _, _ := strings.Cut(config.Config.User, ":")
	return user
}

func isRoot(user string) bool { return user == "0" || user == "root" }

// RunImage is the run image as extensions have left it. made is what became of
// base when the Dockerfiles were applied, configs are those of all images, with
// the layers and the labels that they had. An image whose user is root is an
// error.
func RunImage(base, made v1.Image, dockerfiles []lifecycle.Dockerfile, configs []*v1.ConfigFile) (v1.Image, error) {
	below, err := base.ConfigFile()
	if err != nil {
		return nil, err
	}
	above, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	if isRoot(userOf(above)) {
		return nil, hint.Errorf("have the last run.Dockerfile change the user back: USER ${user_id}:${group_id}",
			"after all image extensions the run image's user is root")
	}
	config := below.DeepCopy()
	taken := above.DeepCopy().Config
	config.Config.User, config.Config.Env, config.Config.WorkingDir = taken.User, taken.Env, taken.WorkingDir
	config.Config.Entrypoint, config.Config.Cmd, config.Config.Shell = taken.Entrypoint, taken.Cmd, taken.Shell
	config.Config.ExposedPorts, config.Config.Volumes = taken.ExposedPorts, taken.Volumes
	config.Config.StopSignal, config.Config.Healthcheck = taken.StopSignal, taken.Healthcheck
	config.Config.Labels = labels(below.Config.Labels, taken.Labels)
	config.Config.Labels[phase.RebasableLabel] = strconv.FormatBool(rebasable(configs))
	config.RootFS.DiffIDs = above.RootFS.DiffIDs
	config.History = history(below, dockerfiles, configs)
	return withLayers(base, made, config)
}

// labels are those of the extended image, but for what the program that applied
// the Dockerfiles says about itself.
func labels(before, after map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, after)
	const builtBy = "io.buildah.version"
	if _, ok := before[builtBy]; !ok {
		delete(all, builtBy)
	}
	return all
}

// rebasable tells whether every Dockerfile says that what it does holds for
// another base, too.
func rebasable(configs []*v1.ConfigFile) bool {
	for _, config := range configs[1:] {
		if ok, err := strconv.ParseBool(config.Config.Labels[phase.RebasableLabel]); err != nil || !ok {
			return false
		}
	}
	return true
}

// history says of each new layer which extension it comes from. The instruction is
// left out: daemons write it down together with arguments that are others in every
// build.
func history(base *v1.ConfigFile, dockerfiles []lifecycle.Dockerfile, configs []*v1.ConfigFile) []v1.History {
	all := imgutil.NormalizedHistory(base.History, len(base.RootFS.DiffIDs))
	for i, d := range dockerfiles {
		for len(all) < len(configs[i+1].RootFS.DiffIDs) {
			all = append(all, v1.History{CreatedBy: fmt.Sprintf(layers.ExtensionLayerName, "Dockerfile", d.Extension)})
		}
	}
	return all
}

// withLayers puts the upper layers of one image over another.
func withLayers(base, made v1.Image, config *v1.ConfigFile) (v1.Image, error) {
	lower, err := base.Layers()
	if err != nil {
		return nil, err
	}
	all, err := made.Layers()
	if err != nil {
		return nil, err
	}
	if len(all) < len(lower) {
		return nil, errors.New("the extended run image has fewer layers than the run image")
	}
	img, err := mutate.AppendLayers(base, all[len(lower):]...)
	if err != nil {
		return nil, err
	}
	for i, diffID := range config.RootFS.DiffIDs[:len(lower)] {
		if was, err := lower[i].DiffID(); err != nil || was != diffID {
			return nil, errors.Join(err, errors.New("the extended run image is not made of the run image"))
		}
	}
	return mutate.ConfigFile(img, config)
}

package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/buildpacks/lifecycle/launch"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// extensions are what the image extensions that detect has chosen want (CNB Image
// Extension specification).
type extensions struct {
	extender lifecycle.Extender
	// builder and run are the Dockerfiles for either image.
	builder, run []lifecycle.Dockerfile
	// runImage is what has become of the run image; nil if it stays as it was.
	runImage *phases.RunImage
	// switched says that it is another one now.
	switched bool
}

// newRunImage is what restore has to know of the run image, nil for nothing.
func (e *extensions) newRunImage() *phases.RunImage {
	if e == nil {
		return nil
	}
	return e.runImage
}

// findExtensions reads what the image extensions of the group have left. It is nil if
// none takes part. All of it comes from the builder's code.
func (b *build) findExtensions(ctx context.Context, group group) (*extensions, error) {
	if len(group.Extensions) == 0 {
		return nil, nil
	}
	first := group.Extensions[0].ID
	extender, ok := b.place.(lifecycle.Extender)
	switch {
	case !ok:
		return nil, hint.Errorf(b.choose(func(t lifecycle.Traits) bool { return t.Extends })+", or a builder without image extensions",
			"image extension %s takes part in this build, and this engine cannot apply image extensions", first)
	case !b.speaks("0.10"):
		return nil, hint.Errorf("use a newer version of the builder",
			"image extension %s takes part in this build, and Platform API %s knows none", first, b.api)
	}
	ext := &extensions{extender: extender}
	for _, one := range group.Extensions {
		for kind, all := range map[string]*[]lifecycle.Dockerfile{"build": &ext.builder, "run": &ext.run} {
			found, err := b.findDockerfile(ctx, one.ID, kind)
			if err != nil {
				return nil, fmt.Errorf("image extension %s: %w", one.ID, err)
			}
			if found != nil {
				*all = append(*all, *found)
			}
		}
	}
	var analyzed files.Analyzed
	if err := b.readLayersFile(ctx, "analyzed.toml", &analyzed); err != nil {
		return nil, err
	}
	if analyzed.RunImage == nil || !analyzed.RunImage.Extend || !b.speaks("0.12") {
		ext.run = nil
	}
	return ext, b.followRunImage(ctx, ext, analyzed)
}

// findDockerfile reads the Dockerfile that an image extension has generated for
// an image; nil if it has not.
func (b *build) findDockerfile(ctx context.Context, id, kind string) (*lifecycle.Dockerfile, error) {
	const generated = "generated"
	dir := path.Join(generated, launch.EscapeID(id))
	file := path.Join(dir, kind+".Dockerfile")
	if !b.speaks("0.13") {
		dir = path.Join(generated, kind, launch.EscapeID(id))
		file = path.Join(dir, "Dockerfile")
	}
	content, err := b.readLayers(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found := &lifecycle.Dockerfile{Extension: id, Content: content, Volume: lifecycle.VolumeApp, Dir: "."}
	type args struct {
		Args []struct{ Name, Value string }
	}
	var config struct{ Build, Run args }
	if err := b.readLayersFile(ctx, path.Join(dir, "extend-config.toml"), &config); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	of := config.Build
	if kind == "run" {
		of = config.Run
	}
	for _, arg := range of.Args {
		found.Args = append(found.Args, arg.Name+"="+arg.Value)
	}
	for _, name := range []string{"context." + kind, "context"} {
		if candidate := path.Join(dir, name); b.speaks("0.13") && b.isThere(ctx, candidate) {
			found.Volume, found.Dir = lifecycle.VolumeLayers, candidate
			break
		}
	}
	return found, nil
}

// readLayersFile decodes a file of the layers directory.
func (b *build) readLayersFile(ctx context.Context, name string, into any) error {
	content, err := b.readLayers(ctx, name)
	if err == nil {
		_, err = bounds.TOML(string(content), into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// readLayers reads a small file of the layers directory.
func (b *build) readLayers(ctx context.Context, name string) ([]byte, error) {
	file, err := b.place.Export(ctx, lifecycle.VolumeLayers, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounds.Read(file)
}

// isThere tells whether the layers directory has something of the name. What is
// not a file is no file that is missing.
func (b *build) isThere(ctx context.Context, name string) bool {
	file, err := b.place.Export(ctx, lifecycle.VolumeLayers, name)
	if err == nil {
		file.Close()
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// ids are the IDs of the extensions, in their order.
func ids(dockerfiles []lifecycle.Dockerfile) []string {
	var all []string
	for _, d := range dockerfiles {
		all = append(all, d.Extension)
	}
	return slices.Compact(all)
}

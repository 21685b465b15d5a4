package samples

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/BurntSushi/toml"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

//go:embed all:buildpacks
var buildpackFiles embed.FS

// buildpack is one of the buildpacks or image extensions below buildpacks/, and
// its place in the builder's order.
type buildpack struct {
	descriptor buildpackDescriptor
	optional   bool
	extension  bool
	// files are the buildpack's files by their path inside it.
	files map[string][]byte
}

// buildpackDescriptor is buildpack.toml (CNB Buildpack specification), or
// extension.toml (CNB Image Extension specification).
type buildpackDescriptor struct {
	API       string          `toml:"api"`
	Buildpack moduleDescribed `toml:"buildpack"`
	Extension moduleDescribed `toml:"extension"`
}

type moduleDescribed struct {
	ID       string `toml:"id"`
	Version  string `toml:"version"`
	Name     string `toml:"name"`
	Homepage string `toml:"homepage"`
}

// readBuildpack reads the buildpack in buildpacks/dir. What is in the directory
// lib beside it becomes its own lib.
func readBuildpack(dir string, optional bool) (buildpack, error) {
	b := buildpack{optional: optional, files: map[string][]byte{}}
	root := path.Join("buildpacks", dir)
	if err := b.read(root, ""); err != nil {
		return b, err
	}
	if shared := path.Join(path.Dir(root), "lib"); isDir(shared) {
		if err := b.read(shared, "lib"); err != nil {
			return b, err
		}
	}
	descriptor, isBuildpack := b.files["buildpack.toml"]
	if !isBuildpack {
		descriptor = b.files["extension.toml"]
	}
	if err := toml.Unmarshal(descriptor, &b.descriptor); err != nil {
		return b, fmt.Errorf("buildpack %s: %w", dir, err)
	}
	if !isBuildpack {
		b.descriptor.Buildpack, b.extension = b.descriptor.Extension, true
	}
	if b.descriptor.Buildpack.ID == "" {
		return b, fmt.Errorf("buildpack %s has no id", dir)
	}
	return b, nil
}

func isDir(name string) bool {
	info, err := fs.Stat(buildpackFiles, name)
	return err == nil && info.IsDir()
}

func (b buildpack) read(root, into string) error {
	return fs.WalkDir(buildpackFiles, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := buildpackFiles.ReadFile(name)
		b.files[path.Join(into, strings.TrimPrefix(name, root+"/"))] = content
		return err
	})
}

// layer puts the buildpack where the specification wants it:
// /cnb/buildpacks/ESCAPED-ID/VERSION, or below /cnb/extensions.
func (b buildpack) layer(o Options) (v1.Layer, error) {
	info := b.descriptor.Buildpack
	dir := "cnb/buildpacks"
	if b.extension {
		dir = "cnb/extensions"
	}
	root := path.Join(dir, strings.ReplaceAll(info.ID, "/", "_"), info.Version)
	content := rootfs.New()
	for name, data := range b.files {
		perm := fs.FileMode(0o644)
		if strings.HasPrefix(name, "bin/") {
			perm = 0o755 // embedding loses it
		}
		content.File(path.Join(root, name), perm, rootfs.Owner{}, data)
	}
	return o.layers().Add(content)
}

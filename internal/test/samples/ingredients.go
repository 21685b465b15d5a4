package samples

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Ingredients are what `pack builder create` makes a builder of.
type Ingredients struct {
	// Base is the build image, Run the run image.
	Base, Run v1.Image
	// Buildpacks and Extensions are directories, in the order of the builder.
	Buildpacks, Extensions []string
	// Modules are the buildpacks as ID@VERSION, in the same order, and Optional
	// tells of each whether it is optional.
	Modules  []string
	Optional []bool
	// Lifecycle is an archive as the lifecycle's own packager lays it out.
	Lifecycle string
	StackID   string
}

// TinyIngredients writes what the tiny builder is made of into dir.
func TinyIngredients(ctx context.Context, options Options, dir string) (*Ingredients, error) {
	r, err := tinyRecipe(ctx, options)
	if err != nil {
		return nil, err
	}
	made := &Ingredients{Lifecycle: filepath.Join(dir, "lifecycle.tgz"), StackID: r.stackID}
	if made.Base, err = r.buildBase(); err != nil {
		return nil, err
	}
	if made.Run, err = r.runImageFile(); err != nil {
		return nil, err
	}
	for _, b := range append(r.buildpacks[:len(r.buildpacks):len(r.buildpacks)], r.extensions...) {
		info := b.descriptor.Buildpack
		at := filepath.Join(dir, strings.ReplaceAll(info.ID, "/", "_"))
		if err := b.write(at); err != nil {
			return nil, err
		}
		if b.extension {
			made.Extensions = append(made.Extensions, at)
			continue
		}
		made.Buildpacks = append(made.Buildpacks, at)
		made.Modules = append(made.Modules, info.ID+"@"+info.Version)
		made.Optional = append(made.Optional, b.optional)
	}
	return made, r.lifecycle.archive(made.Lifecycle)
}

// buildBase is the image that pack puts lifecycle and buildpacks on.
func (r recipe) buildBase() (v1.Image, error) {
	labels := map[string]string{"io.buildpacks.stack.id": r.stackID}
	r.addTargetLabels(labels)
	return r.image(r.base, v1.Config{
		User: fmt.Sprintf("%d:%d", r.UID, r.GID),
		Env: []string{
			"PATH=" + r.path,
			fmt.Sprintf("CNB_USER_ID=%d", r.UID), fmt.Sprintf("CNB_GROUP_ID=%d", r.GID),
		},
		Labels: labels,
	})
}

// write writes the buildpack as a directory.
func (b buildpack) write(dir string) error {
	for name, content := range b.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		perm := fs.FileMode(0o644)
		if strings.HasPrefix(name, "bin/") {
			perm = 0o755
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, perm)); err != nil {
			return err
		}
	}
	return nil
}

// archive writes a release of the lifecycle: lifecycle.toml, and the directory
// lifecycle with the executables.
func (s *stock) archive(path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	zipped := gzip.NewWriter(file)
	to := tar.NewWriter(zipped)
	put := func(name string, mode int64, from string) error {
		content, err := os.ReadFile(filepath.Join(s.dir, from))
		if err != nil {
			return err
		}
		if err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = to.Write(content)
		return err
	}
	if err := errors.Join(put("lifecycle.toml", 0o644, "lifecycle.toml"),
		to.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "lifecycle/", Mode: 0o755}),
		put("lifecycle/lifecycle", 0o755, "lifecycle"), put("lifecycle/launcher", 0o755, "launcher")); err != nil {
		return err
	}
	for _, phase := range lifecyclePhases {
		if err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "lifecycle/" + phase, Linkname: "lifecycle", Mode: 0o777}); err != nil {
			return err
		}
	}
	return errors.Join(to.Close(), zipped.Close())
}

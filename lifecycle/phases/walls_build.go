package phases

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/launch"

	"github.com/pack-cache/pack-cache/internal/removal"
)

// builtGroup reads the group after build, when what buildpacks have left for export
// to read has been looked at.
func (j *job) builtGroup(file string) (buildpack.Group, error) {
	dir, err := openPlain(j.Paths.Layers)
	if err != nil {
		return buildpack.Group{}, err
	}
	defer dir.close()
	if err := dir.tomlFile(path.Base(file)); err != nil {
		return buildpack.Group{}, err
	}
	group, err := j.readGroup(file)
	if err != nil {
		return buildpack.Group{}, err
	}
	return group, j.leftByBuild(dir, group)
}

// leftByBuild readies the layers directory for export: what own phases open there by
// path is plain, or it is an error that names it. What nobody opens is left alone.
func (j *job) leftByBuild(dir plainDir, group buildpack.Group) error {
	app, err := openPlain(j.Paths.App)
	if err != nil {
		return err
	}
	app.close()
	for _, bp := range group.Group {
		if err := inSub(dir, launch.EscapeID(bp.ID), bp.ID, leftByBuildpack); err != nil {
			return err
		}
	}
	for _, name := range []string{"config", "sbom"} {
		if err := inSub(dir, name, "", (&plainWalk{group: group}).walk); err != nil {
			return err
		}
	}
	// These the exporter writes itself.
	for _, kind := range []string{"build", "launch"} {
		if err := removal.Tree(dir.root, path.Join("sbom", kind, launch.EscapeID(lifecycleID))); err != nil {
			return err
		}
	}
	return nil
}

// lifecycleID is the lifecycle among the buildpacks that have SBOMs.
const lifecycleID = "buildpacksio/lifecycle"

// inSub looks at a directory if it is there.
func inSub(dir plainDir, name, buildpack string, look func(plainDir) error) error {
	sub, err := dir.sub(name, buildpack)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.close()
	return look(sub)
}

// maxSHA is how many bytes a file may have that the lifecycle keeps a layer's digest
// in.
const maxSHA = 4096

// leftByBuildpack looks at the directory of a buildpack: its files, and whether its
// layers are directories. What is in the layers is the buildpack's affair.
func leftByBuildpack(dir plainDir) error {
	odd := map[string]error{} // by what would be the layer's name
	named := map[string]bool{}
	total := int64(0)
	err := dir.each(func(name string, info fs.FileInfo) error {
		layer, isTOML := strings.CutSuffix(name, ".toml")
		read := isTOML || strings.HasSuffix(name, ".sha") || strings.Contains(name, ".sbom.")
		switch {
		case isTOML && !isDirName(layer):
			return &leftError{path: path.Join(dir.path, name), buildpack: dir.buildpack, what: "metadata of an impossible layer"}
		case info.IsDir():
			return nil
		case strings.HasSuffix(name, ".sha") && info.Size() > maxSHA:
			return &leftError{path: path.Join(dir.path, name), buildpack: dir.buildpack, what: fmt.Sprintf("a digest of more than %d bytes", maxSHA)}
		case !read:
			if !info.Mode().IsRegular() {
				odd[name] = plainDir{path: path.Join(dir.path, name), buildpack: dir.buildpack}.left(info)
			}
			return nil
		case !isTOML:
			return dir.plain(name, info)
		}
		named[layer] = true
		if total += info.Size(); total > maxTOMLs {
			return &leftError{path: dir.path, buildpack: dir.buildpack, what: fmt.Sprintf("metadata of more than %d bytes", int64(maxTOMLs))}
		}
		return dir.toml(name, info)
	})
	if err != nil {
		return err
	}
	for name, err := range odd {
		if named[name] {
			return err // in place of a layer
		}
	}
	return nil
}

// plainWalk looks at directories in which everything is read: what the launcher reads
// in the app image, and the SBOMs that the builder has gathered.
type plainWalk struct {
	group buildpack.Group
	files int
	depth int
}

// maxPlainDepth is that of sbom/<kind>/<buildpack>/<layer>, with room for more.
const maxPlainDepth = 8

func (w *plainWalk) walk(dir plainDir) error {
	if w.depth++; w.depth > maxPlainDepth {
		return &leftError{path: dir.path, buildpack: dir.buildpack, what: "a directory"}
	}
	defer func() { w.depth-- }()
	return dir.each(func(name string, info fs.FileInfo) error {
		if w.files++; w.files > maxEntries {
			return &leftError{path: dir.path, buildpack: dir.buildpack, what: "more files than can be read"}
		}
		of := dir.buildpack
		if w.depth == 2 {
			of = w.buildpack(name)
		}
		switch {
		case info.IsDir():
			return inSub(dir, name, of, w.walk)
		case strings.HasSuffix(name, ".toml"):
			return dir.toml(name, info)
		}
		return dir.plain(name, info)
	})
}

// buildpack is whose SBOMs are in a directory.
func (w *plainWalk) buildpack(dir string) string {
	for _, bp := range w.group.Group {
		if launch.EscapeID(bp.ID) == dir {
			return bp.ID
		}
	}
	return ""
}

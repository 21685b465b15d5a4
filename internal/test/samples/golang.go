package samples

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// Go makes the builder go: the base of the tiny builder, this machine's Go
// toolchain, the stock lifecycle and the buildpack samples/go-build.
func Go(ctx context.Context, options Options) (*Builder, error) {
	r, err := tinyBaseRecipe(ctx, options)
	if err != nil {
		return nil, err
	}
	toolchain, err := goLayer(ctx, r.Options)
	if err != nil {
		return nil, fmt.Errorf("assemble the toolchain of the go builder: %w", err)
	}
	r.description, r.stackID = "the Go toolchain of this machine", "pack-cache.samples.go"
	r.path = "/bin:/usr/bin:/usr/local/go/bin"
	r.base = append(r.base[:len(r.base):len(r.base)], toolchain)
	b, err := readBuildpack("go/go-build", false)
	if err != nil {
		return nil, err
	}
	r.buildpacks = []buildpack{b}
	return r.assemble(ctx)
}

// Npm makes the builder npm: the tiny builder with the one buildpack
// samples/node-modules, which makes many small files.
func Npm(ctx context.Context, options Options) (*Builder, error) {
	r, err := tinyBaseRecipe(ctx, options)
	if err != nil {
		return nil, err
	}
	r.description, r.stackID = "a stand-in for npm", "pack-cache.samples.npm"
	b, err := readBuildpack("npm/node-modules", false)
	if err != nil {
		return nil, err
	}
	r.buildpacks = []buildpack{b}
	return r.assemble(ctx)
}

// goLayer is the toolchain that the go command of this machine belongs to.
func goLayer(ctx context.Context, o Options) (v1.Layer, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 2 {
		return nil, fmt.Errorf("go env: %q is not a directory and a version", out)
	}
	goroot, version := lines[0], lines[1]
	key := fmt.Sprint("go ", version, sourceKey())
	return o.layers().Layer(ctx, key, func(f *rootfs.FS, _ *rootfs.Spool) error {
		for _, part := range []string{"VERSION", "go.env", "bin", "lib", "pkg", "src"} {
			if err := addTree(f, filepath.Join(goroot, part), path.Join("usr/local/go", part)); err != nil {
				return err
			}
		}
		return nil
	})
}

// addTree adds what the go command needs of a part of its toolchain.
func addTree(f *rootfs.FS, from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f.File(to+strings.TrimPrefix(name, from), info.Mode().Perm(), rootfs.Owner{}, content)
		return nil
	})
}

package samples

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

const tinyRelease = "NAME=\"pack-cache tiny\"\nID=tiny\nVERSION_ID=1\n"

// Tiny makes the builder tiny: static busybox and bash, the stock lifecycle, and
// buildpacks in shell that do what the files in the application's directory
// bp-config ask for (see buildpacks/tiny/README.md). Its run image has the same
// base.
func Tiny(ctx context.Context, options Options) (*Builder, error) {
	r, err := tinyRecipe(ctx, options)
	if err != nil {
		return nil, err
	}
	return r.assemble(ctx)
}

// tinyRecipe is the tiny builder.
func tinyRecipe(ctx context.Context, options Options) (recipe, error) {
	r, err := tinyBaseRecipe(ctx, options)
	if err != nil {
		return recipe{}, err
	}
	for _, b := range []struct {
		name     string
		optional bool
	}{{"flags", false}, {"churn", false}, {"make", true}, {"legacy", true}, {"behave", false}} {
		read, err := readBuildpack("tiny/"+b.name, b.optional)
		if err != nil {
			return recipe{}, err
		}
		// Of an API that an old lifecycle does not know they need nothing.
		if known := r.lifecycle.descriptor.APIs.Buildpack.Supported; !slices.Contains(known, read.descriptor.API) {
			read.speak(known[len(known)-1])
		}
		r.buildpacks = append(r.buildpacks, read)
	}
	for _, api := range options.BuildpackAPIs {
		read, err := readAged(api, r.stackID)
		if err != nil {
			return recipe{}, err
		}
		r.buildpacks = append(r.buildpacks, read)
	}
	if options.Extensions {
		read, err := readBuildpack("tiny/extend", false)
		if err != nil {
			return recipe{}, err
		}
		r.extensions = append(r.extensions, read)
	}
	return r, nil
}

// tinyBaseRecipe is the tiny builder without buildpacks.
func tinyBaseRecipe(ctx context.Context, options Options) (recipe, error) {
	o, err := options.complete(Target{DistroName: "tiny", DistroVersion: "1"})
	if err != nil {
		return recipe{}, err
	}
	lifecycle, err := stockLifecycle(ctx, o)
	if err != nil {
		return recipe{}, err
	}
	base, err := tinyBase(ctx, o)
	if err != nil {
		return recipe{}, fmt.Errorf("assemble the base of the tiny builder: %w", err)
	}
	return recipe{
		Options: o, description: "busybox and buildpacks that do what a test asks for",
		stackID: "pack-cache.samples.tiny", path: "/bin:/usr/bin",
		base: []v1.Layer{base}, runBase: []v1.Layer{base}, lifecycle: lifecycle,
	}, nil
}

// tinyBase is one layer with busybox under all its names, and bash, which the
// launcher needs for processes that a shell starts.
func tinyBase(ctx context.Context, o Options) (v1.Layer, error) {
	packages := o.packages()
	pkgs, err := packages.Only(ctx, "bash-static", "busybox-static")
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint("tiny ", pkgs, o.UID, o.GID, sourceKey(), digest(o.CACertificates))
	return o.layers().Layer(ctx, key, func(fs *rootfs.FS, spool *rootfs.Spool) error {
		unpacked := rootfs.New()
		if err := packages.Unpack(ctx, unpacked, spool, pkgs, nil); err != nil {
			return err
		}
		busybox, hasBusybox := unpacked.Read("usr/bin/busybox")
		bash, hasBash := unpacked.Read("usr/bin/bash-static")
		if !hasBusybox || !hasBash {
			return fmt.Errorf("a package lacks its program (busybox %t, bash %t)", hasBusybox, hasBash)
		}
		applets, err := busyboxApplets(ctx, o, busybox)
		if err != nil {
			return err
		}
		addBase(fs, o)
		fs.File("etc/os-release", 0o644, rootfs.Owner{}, []byte(tinyRelease))
		fs.File("bin/busybox", 0o755, rootfs.Owner{}, busybox)
		fs.File("bin/bash", 0o755, rootfs.Owner{}, bash)
		for _, applet := range applets {
			if !fs.Has("bin/" + applet) {
				fs.Symlink("bin/"+applet, "busybox")
			}
		}
		fs.Symlink("usr/bin/env", "../../bin/busybox")
		return nil
	})
}

// busyboxApplets asks busybox what it can be called.
func busyboxApplets(ctx context.Context, o Options, busybox []byte) ([]string, error) {
	dir, err := os.MkdirTemp(o.CacheDir, "busybox-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "busybox")
	if err := os.WriteFile(program, busybox, 0o700); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, program, "--list").Output()
	// A process forked meanwhile may hold the file open for writing for a moment.
	for errors.Is(err, syscall.ETXTBSY) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
		out, err = exec.CommandContext(ctx, program, "--list").Output()
	}
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	return strings.Fields(string(out)), nil
}

package main

import (
	"archive/tar"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

// stock builds with the stock lifecycle's creator, in the sandbox that
// pack-cache uses. It is a command of its own so that it is measured as
// pack-cache is.
func stock(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("stock", flag.ContinueOnError)
	builderRef := flags.String("builder", "", "builder image")
	app := flags.String("path", "", "directory with the application's source")
	cache := flags.String("cache-image", "", "cache image")
	env := flags.String("env", "", "environment of the buildpacks, KEY=VALUE with spaces between")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ref, err := name.ParseReference(*builderRef)
	if err != nil {
		return err
	}
	img, err := remote.Image(ref, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	inspected, err := builder.Inspect(img)
	if err != nil {
		return err
	}
	user := lifecycle.User{UID: inspected.UID, GID: inspected.GID}
	engine := sandbox.New(sandbox.Config{})
	place, err := engine.Open(ctx, lifecycle.PlaceSpec{
		Builder: img, User: user, Volumes: []string{"layers", "app", "platform", "home"},
	})
	if err != nil {
		return fmt.Errorf("open a place for the creator: %w", err)
	}
	defer place.Close()
	variables := fstest.MapFS{}
	for _, variable := range strings.Fields(*env) {
		key, value, _ := strings.Cut(variable, "=")
		variables["env/"+key] = &fstest.MapFile{Data: []byte(value), Mode: 0o644}
	}
	for volume, content := range map[string]fs.FS{"app": os.DirFS(*app), "platform": variables} {
		if err := place.Import(ctx, volume, archive(content)); err != nil {
			return err
		}
	}
	return place.Run(ctx, lifecycle.Phase{
		Name: "create", Root: lifecycle.BuilderRoot, User: user,
		Args: []string{"/cnb/lifecycle/creator", "-no-color", "-app", "/workspace", "-layers", "/layers",
			"-platform", "/platform", "-cache-image", *cache, flags.Arg(0)},
		Env: slices.Concat(inspected.Env, []string{"HOME=/home/cnb", "CNB_PLATFORM_API=0.14"}),
		Dir: "/workspace",
		Mounts: []lifecycle.Mount{
			{Volume: "layers", Target: "/layers"},
			{Volume: "app", Target: "/workspace"},
			{Volume: "platform", Target: "/platform"},
			{Volume: "home", Target: "/home/cnb"},
		},
		Network: lifecycle.NetworkHost,
	}, lifecycle.Streams{Stdout: os.Stderr, Stderr: os.Stderr})
}

// archive returns files as a tar stream.
func archive(content fs.FS) io.Reader {
	r, w := io.Pipe()
	go func() {
		writer := tar.NewWriter(w)
		w.CloseWithError(errors.Join(writer.AddFS(content), writer.Close()))
	}()
	return r
}

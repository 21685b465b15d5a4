// Package runapp starts an app image in an engine, as `docker run` would, so
// that demo and tests can show that it works on machines without Docker.
package runapp

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// Run starts the image's entrypoint with the given arguments and waits for its
// end. The error is a *lifecycle.ExitError when the app fails.
func Run(ctx context.Context, engine lifecycle.Engine, img v1.Image, args []string, stdout, stderr io.Writer) error {
	config, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("read app image: %w", err)
	}
	user, err := userOf(config.Config.User)
	if err != nil {
		return err
	}
	place, err := engine.Open(ctx, lifecycle.PlaceSpec{Builder: img, User: user})
	if err != nil {
		return err
	}
	defer place.Close()
	app := lifecycle.Phase{
		Name:    "run",
		Root:    lifecycle.BuilderRoot,
		User:    user,
		Args:    append(append(config.Config.Entrypoint, config.Config.Cmd...), args...),
		Env:     config.Config.Env,
		Dir:     config.Config.WorkingDir,
		Network: lifecycle.NetworkHost,
	}
	return place.Run(ctx, app, lifecycle.Streams{Stdout: stdout, Stderr: stderr})
}

// userOf reads the user of an image config, which for app images is numeric.
func userOf(config string) (lifecycle.User, error) {
	uid, gid, _ := strings.Cut(config, ":")
	user := lifecycle.User{}
	var err error
	if user.UID, err = strconv.Atoi(uid); err != nil {
		return user, fmt.Errorf("app image runs as %q, which is not numeric", config)
	}
	user.GID = user.UID
	if gid != "" {
		if user.GID, err = strconv.Atoi(gid); err != nil {
			return user, fmt.Errorf("app image runs as %q, which is not numeric", config)
		}
	}
	return user, nil
}

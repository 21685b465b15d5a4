package acceptance

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// creator builds an app with the stock lifecycle's creator, which is in the
// builder, and returns its output. The registry has to be open to everyone: a
// creator gets no credential here.
func (r *registry) creator(t *testing.T, builderRef string, app *app, platformAPI string, args ...string) string {
	t.Helper()
	return r.creatorIn(t, builderRef, app, []string{"CNB_PLATFORM_API=" + platformAPI}, nil, args...)
}

// creatorIn is creator with more environment: env for the creator itself, as
// KEY=VALUE, and forBuildpacks, by name.
func (r *registry) creatorIn(t *testing.T, builderRef string, app *app, env []string, forBuildpacks map[string]string, args ...string) string {
	t.Helper()
	inspected, err := builder.Inspect(r.image(t, builderRef))
	if err != nil {
		t.Fatal(err)
	}
	user := lifecycle.User{UID: inspected.UID, GID: inspected.GID}
	place, err := engine.Open(t.Context(), lifecycle.PlaceSpec{
		Builder: inspected.Image, User: user, Volumes: []string{"layers", "app", "platform", "home"},
	})
	if err != nil {
		t.Fatalf("open a place for the creator: %v", err)
	}
	defer place.Close()
	variables := fstest.MapFS{}
	for key, value := range forBuildpacks {
		variables["env/"+key] = &fstest.MapFile{Data: []byte(value), Mode: 0o644}
	}
	for volume, content := range map[string]fs.FS{"app": os.DirFS(app.dir), "platform": variables} {
		if err := place.Import(t.Context(), volume, archive(t, content)); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	err = place.Run(t.Context(), lifecycle.Phase{
		Name: "create",
		Root: lifecycle.BuilderRoot,
		User: user,
		Args: append([]string{"/cnb/lifecycle/creator", "-no-color", "-app", "/workspace", "-layers", "/layers", "-platform", "/platform"}, args...),
		Env:  slices.Concat(inspected.Env, env, []string{"HOME=/home/cnb"}),
		Dir:  "/workspace",
		Mounts: []lifecycle.Mount{
			{Volume: "layers", Target: "/layers"},
			{Volume: "app", Target: "/workspace"},
			{Volume: "platform", Target: "/platform"},
			{Volume: "home", Target: "/home/cnb"},
		},
		Network: lifecycle.NetworkHost,
	}, lifecycle.Streams{Stdout: &output, Stderr: &output})
	if err != nil {
		t.Fatalf("stock creator: %v\n%s", err, &output)
	}
	return output.String()
}

// archive returns files as a tar stream.
func archive(t *testing.T, content fs.FS) io.Reader {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := errors.Join(writer.AddFS(content), writer.Close()); err != nil {
		t.Fatal(err)
	}
	return &archive
}

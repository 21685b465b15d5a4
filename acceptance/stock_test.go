package acceptance

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// creator builds an app with the stock lifecycle's creator, which is in the
// builder, and returns its output. The registry has to be open to everyone: a
// creator gets no credential here.
func (r *registry) creator(t *testing.T, builderRef string, app *app, platformAPI string, args ...string) string {
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
	if err := place.Import(t.Context(), "app", app.archive()); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	err = place.Run(t.Context(), lifecycle.Phase{
		Name: "create",
		Root: lifecycle.BuilderRoot,
		User: user,
		Args: append([]string{"/cnb/lifecycle/creator", "-no-color", "-app", "/workspace", "-layers", "/layers", "-platform", "/platform"}, args...),
		Env:  append(inspected.Env, "CNB_PLATFORM_API="+platformAPI, "HOME=/home/cnb"),
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

// archive returns the app's source as a tar stream.
func (a *app) archive() io.Reader {
	a.t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	if err := writer.AddFS(os.DirFS(a.dir)); err != nil {
		a.t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		a.t.Fatal(err)
	}
	return &archive
}

// wantLines fails unless every one of the given strings is in a text.
func wantLines(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("output lacks %q:\n%s", want, text)
		}
	}
}

// wantNoLines fails if one of the given strings is in a text.
func wantNoLines(t *testing.T, text string, none ...string) {
	t.Helper()
	for _, unwanted := range none {
		if strings.Contains(text, unwanted) {
			t.Errorf("output has %q:\n%s", unwanted, text)
		}
	}
}

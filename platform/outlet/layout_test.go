package outlet_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// tree lists the files below a directory with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// failing is an app image whose last layer cannot be read.
func failing(t *testing.T, n int, contents ...string) phases.App {
	t.Helper()
	app := app(t, n, contents...)
	app.Layers[len(app.Layers)-1].Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("lost") }
	return app
}

func TestLayout(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	to := &outlet.Layout{Dir: dir, Name: outlet.LayoutName, Run: source(t, "run")}
	if _, err := to.Save(t.Context(), failing(t, 1, "run", "one")); err == nil {
		t.Fatal("an image with a lost layer was kept")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory is left of an image that could not be kept (%v)", err)
	}

	first := app(t, 1, "run", "one")
	saved, err := to.Save(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	if _, err := to.Save(t.Context(), failing(t, 1, "run", "two", "three")); err == nil {
		t.Fatal("an image with a lost layer was kept")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("an image that could not be kept changed the directory (-before +after):\n%s", diff)
	}

	found, err := outlet.OpenLayout(t.Context(), dir, outlet.LayoutName)
	if err != nil || found == nil {
		t.Fatalf("the image is not found: %v", err)
	}
	if found.Reference != saved.Digest {
		t.Errorf("found %s instead of %s", found.Reference, saved.Digest)
	}
	if err := validate.Image(found.Image); err != nil {
		t.Error(err)
	}

	// A layer that nobody makes again comes from the image that is there.
	to.Previous = found
	if layer, err := to.Layer(t.Context(), first.Layers[1].DiffID); err != nil {
		t.Error(err)
	} else if content, err := io.ReadAll(layer); err != nil || string(content) != string(layerArchive(t, "one")) {
		t.Errorf("the layer is %q (%v)", content, err)
	}
	if _, err := to.Save(t.Context(), app(t, 2, "run", "one", "two")); err != nil {
		t.Fatal(err)
	}
}

// TestLayoutCancelled ends with its context, and leaves nothing.
func TestLayoutCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	to := &outlet.Layout{Dir: dir, Name: outlet.LayoutName, Run: source(t, "run")}
	if _, err := to.Save(t.Context(), app(t, 1, "run", "one")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	endless := app(t, 1, "run", "two")
	endless.Layers[1].Open = func(context.Context) (io.ReadCloser, error) {
		cancel()
		return io.NopCloser(zeros{}), nil
	}
	if _, err := to.Save(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("the directory has changed (-before +after):\n%s", diff)
	}
}

// TestLayoutIncomplete finds no previous image where a part of it is missing.
func TestLayoutIncomplete(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	to := &outlet.Layout{Dir: dir, Name: outlet.LayoutName, Run: source(t, "run")}
	app := app(t, 1, "run", "one")
	if _, err := to.Save(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "blobs", "sha256", app.Layers[1].Descriptor.Digest.Hex), 3); err != nil {
		t.Fatal(err)
	}
	if found, err := outlet.OpenLayout(t.Context(), dir, outlet.LayoutName); found != nil || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if found, err := outlet.OpenLayout(t.Context(), t.TempDir(), outlet.LayoutName); found != nil || err != nil {
		t.Errorf("found %v, %v in an empty directory", found, err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	for name, docker := range map[string]bool{"oci": false, "docker": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			to := &outlet.File{Path: filepath.Join(dir, "app.tar"), Docker: docker, Tags: []string{"app:latest"}, Run: source(t, "run")}
			saved, err := to.Save(t.Context(), app(t, 1, "run", "one"))
			if err != nil || saved == (phases.Saved{}) {
				t.Fatalf("saved as %+v, %v", saved, err)
			}
			before := tree(t, dir)
			other := app(t, 1, "run", "two")
			other.Layers[1].Open = app(t, 1, "run", "one").Layers[1].Open // as long, and something else
			if _, err := to.Save(t.Context(), other); err == nil && !docker {
				t.Error("an image with another layer was kept")
			}
			if _, err := to.Save(t.Context(), failing(t, 1, "run", "one")); err == nil {
				t.Error("an image with a lost layer was kept")
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" && !docker {
				t.Errorf("what could not be kept changed the directory (-before +after):\n%s", diff)
			}
		})
	}
}

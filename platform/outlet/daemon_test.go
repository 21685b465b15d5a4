package outlet_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// big is a layer that nobody wants to send twice, and that does not compress.
var big = func() string {
	random := rand.NewChaCha8([32]byte{})
	content := make([]byte, 300_000)
	_, _ = random.Read(content) // never fails
	return string(content)
}()

// save keeps an app image that is based on a run image of one big layer.
func save(t *testing.T, d *daemon, app phases.App) (phases.Saved, error) {
	t.Helper()
	to := &outlet.Daemon{Daemon: d, Tags: []string{"app:latest", "app:too"}, Run: source(t, big), RunTag: "run:latest", Progress: progress.Discard}
	if err := to.FindPrevious(t.Context(), "app:latest"); err != nil {
		t.Fatal(err)
	}
	to.Begin(t.Context())
	defer to.Close()
	return to.Save(t.Context(), app)
}

func TestDaemonSendsWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := &daemon{}
	first := app(t, 1, big, "one", "two")
	saved, err := save(t, d, first)
	if err != nil {
		t.Fatal(err)
	}
	if id := d.images["app:latest"]; id == nil || saved.ID != (kept{config: id}).ID() || d.images["app:too"] != id || saved.Digest != "" {
		t.Errorf("saved as %+v, the daemon has %v", saved, d.images)
	}
	if len(d.loads) != 2 || d.loads[1] > 100_000 {
		t.Errorf("the daemon was sent archives of %v bytes: want one of the run image and a small one", d.loads)
	}
	for _, test := range []struct {
		name  string
		app   phases.App
		whole bool
		sent  bool
	}{
		{"the same", app(t, 3, big, "one", "two"), false, false},
		{"another layer on top", app(t, 2, big, "one", "three"), false, false},
		{"to a daemon that wants it whole", app(t, 1, big, "one", "two"), true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.loads, d.whole = nil, test.whole
			if _, err := save(t, d, test.app); err != nil {
				t.Fatal(err)
			}
			if len(d.loads) != 1 || (d.loads[0] > 100_000) != test.sent {
				t.Errorf("the daemon was sent archives of %v bytes", d.loads)
			}
		})
	}
}

// TestDaemonForgets has an image removed whose layers the app image shares.
func TestDaemonForgets(t *testing.T) {
	t.Parallel()
	d := &daemon{}
	if _, err := save(t, d, app(t, 1, big, "one")); err != nil {
		t.Fatal(err)
	}
	d.loads, d.forget = nil, true
	if _, err := save(t, d, app(t, 1, big, "one", "two")); err != nil {
		t.Fatal(err)
	}
	if len(d.loads) != 2 || d.loads[1] < int64(len(big)) {
		t.Errorf("the daemon was sent archives of %v bytes: want a small one that fails, and the whole", d.loads)
	}
}

// TestDaemonRefuses has nothing change when the daemon takes no image.
func TestDaemonRefuses(t *testing.T) {
	t.Parallel()
	d := &daemon{}
	if _, err := save(t, d, app(t, 1, big, "one")); err != nil {
		t.Fatal(err)
	}
	before := d.images["app:latest"]
	d.refuse = errors.New("no space left on device")
	_, err := save(t, d, app(t, 1, big, "two"))
	if err == nil || !strings.Contains(err.Error(), "docker daemon at fake: no space left on device") {
		t.Errorf("got %v", err)
	}
	if d.images["app:latest"] != before {
		t.Error("the daemon has another image")
	}
}

// TestDaemonLayerLost has the phase's layer end too early.
func TestDaemonLayerLost(t *testing.T) {
	t.Parallel()
	d := &daemon{}
	broken := app(t, 1, big, "one")
	broken.Layers[1].Size++
	if _, err := save(t, d, broken); err == nil || !strings.Contains(err.Error(), "it ends after ") {
		t.Errorf("got %v", err)
	}
	if d.images["app:latest"] != nil {
		t.Error("the daemon has an image")
	}
}

// TestDaemonCancelled ends with its context.
func TestDaemonCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	to := &outlet.Daemon{Daemon: &daemon{}, Tags: []string{"app:latest"}, Run: source(t, "run"), Progress: progress.Discard}
	endless := app(t, 1, "run", "one")
	endless.Layers[1].Size = 1 << 40
	endless.Layers[1].Open = func(context.Context) (io.ReadCloser, error) {
		cancel()
		return io.NopCloser(zeros{}), nil
	}
	if _, err := to.Save(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestDaemonUnknownLayer asks for a layer of a previous image that there is not.
func TestDaemonUnknownLayer(t *testing.T) {
	t.Parallel()
	to := &outlet.Daemon{Daemon: &daemon{}, Tags: []string{"app:latest"}, Run: source(t, "run")}
	if _, err := to.Layer(t.Context(), v1.Hash{Algorithm: "sha256", Hex: "12"}); err == nil {
		t.Error("there is one")
	}
}

// TestDaemonSBOM reads the SBOMs of a previous image without the layers of the
// image, which the fake does not give out.
func TestDaemonSBOM(t *testing.T) {
	t.Parallel()
	diffID := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("12", 32)}
	d := &daemon{images: map[string]*v1.ConfigFile{"app:latest": {
		Config: v1.Config{Labels: map[string]string{"io.buildpacks.lifecycle.metadata": `{"sbom":{"sha":"` + diffID.String() + `"}}`}},
	}}}
	d.below = func(w *tar.Writer) error {
		for _, header := range []tar.Header{
			{Typeflag: tar.TypeDir, Name: "sbom/"},
			{Typeflag: tar.TypeReg, Name: "sbom/launch/sbom.json"},
			{Typeflag: tar.TypeReg, Name: "../outside"},
			{Typeflag: tar.TypeSymlink, Name: "sbom/link", Linkname: "/"},
		} {
			if err := w.WriteHeader(&header); err != nil {
				return err
			}
		}
		return w.Close()
	}
	to := &outlet.Daemon{Daemon: d, Run: source(t, "run")}
	if err := to.FindPrevious(t.Context(), "app:latest"); err != nil {
		t.Fatal(err)
	}
	layer, err := to.Layer(t.Context(), diffID)
	if err != nil {
		t.Fatal(err)
	}
	defer layer.Close()
	var names []string
	reader := tar.NewReader(layer)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
	if diff := cmp.Diff([]string{"/layers/sbom", "/layers/sbom/launch/sbom.json"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	other := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("34", 32)}
	if _, err := to.Layer(t.Context(), other); err == nil {
		t.Error("another layer is there, too")
	}
}

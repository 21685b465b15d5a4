package samples_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/test/samples"
)

// defaultRunImage is where the run image is unless a test says otherwise.
const defaultRunImage = "registry.example.com/samples/run"

func tiny(t *testing.T, o samples.Options) *samples.Builder {
	t.Helper()
	return must(t, samples.Tiny, o)
}

func java(t *testing.T, o samples.Options) *samples.Builder {
	t.Helper()
	return must(t, samples.Java, o)
}

func must(t *testing.T, assemble func(context.Context, samples.Options) (*samples.Builder, error), o samples.Options) *samples.Builder {
	t.Helper()
	if o.RunImage == "" {
		o.RunImage = defaultRunImage
	}
	b, err := assemble(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func configOf(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// TestInspect reads the builders as pack-cache does.
func TestInspect(t *testing.T) {
	t.Parallel()
	apis := []string{"0.7", "0.8", "0.9", "0.10", "0.11", "0.12", "0.13", "0.14", "0.15"}
	for _, test := range []struct {
		name       string
		image      v1.Image
		distro     string
		buildpacks int
	}{
		{"tiny", tiny(t, samples.Options{RunImageMirrors: []string{"mirror.example.com/run"}}).Build, "tiny", 5},
		{"java", java(t, samples.Options{RunImageMirrors: []string{"mirror.example.com/run"}}).Build, "debian", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := builder.Inspect(test.image)
			if err != nil {
				t.Fatal(err)
			}
			if b.UID != 1000 || b.GID != 1000 {
				t.Errorf("user %d:%d", b.UID, b.GID)
			}
			if b.Target.OS != "linux" || b.Target.Architecture != runtime.GOARCH || b.Target.DistroName != test.distro {
				t.Errorf("target %+v", b.Target)
			}
			if diff := cmp.Diff(apis, b.PlatformAPIs); diff != "" {
				t.Error(diff)
			}
			if len(b.Buildpacks) != test.buildpacks {
				t.Errorf("buildpacks %v", b.Buildpacks)
			}
			want := []builder.RunImage{{Image: defaultRunImage, Mirrors: []string{"mirror.example.com/run"}}}
			if diff := cmp.Diff(want, b.RunImages); diff != "" {
				t.Error(diff)
			}
			config := configOf(t, test.image)
			if config.Config.User != "1000:1000" || config.Config.WorkingDir != "/layers" {
				t.Errorf("user %q, working directory %q", config.Config.User, config.Config.WorkingDir)
			}
		})
	}
}

// TestBuildpackLayers holds that the label says which layer has a buildpack.
func TestBuildpackLayers(t *testing.T) {
	t.Parallel()
	img := tiny(t, samples.Options{}).Build
	config := configOf(t, img)
	var modules map[string]map[string]struct {
		API         string `json:"api"`
		LayerDiffID string `json:"layerDiffID"`
	}
	if err := json.Unmarshal([]byte(config.Config.Labels["io.buildpacks.buildpack.layers"]), &modules); err != nil {
		t.Fatal(err)
	}
	for id, versions := range modules {
		for version, module := range versions {
			diffID, err := v1.NewHash(module.LayerDiffID)
			if err != nil {
				t.Fatal(err)
			}
			l, err := img.LayerByDiffID(diffID)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			want := "cnb/buildpacks/" + strings.ReplaceAll(id, "/", "_") + "/" + version + "/bin/build"
			if modes := modesOf(t, l); modes[want] != 0o755 {
				t.Errorf("%s has mode %o", want, modes[want])
			}
		}
	}
	if modules["samples/legacy"]["1.0.0"].API != "0.8" || modules["samples/flags"]["1.0.0"].API != "0.12" {
		t.Errorf("APIs: %v", modules)
	}
}

func modesOf(t *testing.T, l v1.Layer) map[string]int64 {
	t.Helper()
	content, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	modes := map[string]int64{}
	for tr := tar.NewReader(content); ; {
		h, err := tr.Next()
		if err != nil {
			return modes
		}
		modes[h.Name] = h.Mode
	}
}

// TestOwners holds who owns what a build needs.
func TestOwners(t *testing.T) {
	t.Parallel()
	type owner struct {
		UID, GID int
		Mode     int64
	}
	want := map[string]owner{
		"workspace/":             {1000, 1000, 0o755},
		"layers/":                {1000, 1000, 0o755},
		"home/cnb/":              {1000, 1000, 0o755},
		"platform/env/":          {0, 0, 0o755},
		"cnb/order.toml":         {0, 0, 0o644},
		"cnb/run.toml":           {0, 0, 0o644},
		"cnb/stack.toml":         {0, 0, 0o644},
		"tmp/":                   {0, 0, 0o1777},
		"cnb/lifecycle/":         {0, 0, 0o755},
		"cnb/lifecycle/launcher": {0, 0, 0o755},
		"etc/passwd":             {0, 0, 0o644},
	}
	for name, image := range map[string]pristine{"tiny": images.tinyBuild, "java": images.javaBuild} {
		_, headers, err := image()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]owner{}
		for path := range want {
			h := headers[path]
			got[path] = owner{h.Uid, h.Gid, h.Mode}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestOptions holds that a builder claims what it is told to.
func TestOptions(t *testing.T) {
	t.Parallel()
	plain := tiny(t, samples.Options{})
	if other := tiny(t, samples.Options{}); digestOf(t, plain.Build) != digestOf(t, other.Build) {
		t.Error("the same options give another builder")
	}
	changed := tiny(t, samples.Options{
		RunImage: "elsewhere.example.com/run", UID: 2000, GID: 3000,
		Target:       samples.Target{OS: "linux", Architecture: "riscv64", Variant: "v9", DistroName: "other", DistroVersion: "7"},
		PlatformAPIs: []string{"0.3", "0.12"}, OmitLabels: []string{"io.buildpacks.stack.id"},
		CACertificates: []byte("certificates"),
	})
	b, err := builder.Inspect(changed.Build)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0.3", "0.12"}, b.PlatformAPIs); diff != "" {
		t.Error(diff)
	}
	wantTarget := builder.Target{OS: "linux", Architecture: "riscv64", Variant: "v9", DistroName: "other", DistroVersion: "7"}
	if diff := cmp.Diff(wantTarget, b.Target); diff != "" {
		t.Error(diff)
	}
	if b.UID != 2000 || b.GID != 3000 || b.RunImages[0].Image != "elsewhere.example.com/run" {
		t.Errorf("user %d:%d, run image %s", b.UID, b.GID, b.RunImages[0].Image)
	}
	if _, ok := configOf(t, changed.Build).Config.Labels["io.buildpacks.stack.id"]; ok {
		t.Error("a label to omit is there")
	}
	run := configOf(t, changed.Run)
	if run.Architecture != "riscv64" || run.Config.Labels["io.buildpacks.base.distro.name"] != "other" || run.Config.User != "2000:3000" {
		t.Errorf("run image: %s, %v, %s", run.Architecture, run.Config.Labels, run.Config.User)
	}
	err = eachEntry(changed.Run, func(h *tar.Header, content io.Reader) error {
		switch h.Name {
		case "etc/ssl/certs/ca-certificates.crt":
			if bundle, err := io.ReadAll(content); err != nil || string(bundle) != "certificates" {
				t.Errorf("bundle %q, %v", bundle, err)
			}
		case "home/cnb/":
			if h.Uid != 2000 || h.Gid != 3000 {
				t.Errorf("the home belongs to %d:%d", h.Uid, h.Gid)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPushAndWrite(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	b := tiny(t, samples.Options{RunImage: host + "/team/run"})
	if err := b.Push(t.Context(), host+"/team/builder"); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]v1.Image{"/team/run": b.Run, "/team/builder": b.Build} {
		parsed, err := name.ParseReference(host + ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(parsed, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if digestOf(t, got) != digestOf(t, want) {
			t.Errorf("%s is another image", ref)
		}
	}

	dir := filepath.Join(t.TempDir(), "layout")
	if err := b.Write(dir); err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range manifest.Manifests {
		got[m.Annotations["org.opencontainers.image.ref.name"]] = m.Digest.String()
	}
	want := map[string]string{"builder": digestOf(t, b.Build), "run": digestOf(t, b.Run)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

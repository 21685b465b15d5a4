package docker

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// plainBuilder is a builder with nothing in the way of any mount.
func plainBuilder(t testing.TB) v1.Image {
	t.Helper()
	program, err := os.ReadFile(enginetest.Program(t))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := layerOf([]tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: "cnb/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "cnb/tool", Mode: 0o755, Size: int64(len(program))},
	}, map[string][]byte{"cnb/tool": program})
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// BenchmarkPlace times what a build asks of a place.
func BenchmarkPlace(b *testing.B) {
	for name, options := range map[string]testdocker.Options{"docker": {}, "podman": {Podman: true}} {
		b.Run(name, func(b *testing.B) { benchmarkPlace(b, testdocker.New(b, options)) })
	}
}

func benchmarkPlace(b *testing.B, daemon *testdocker.Daemon) {
	engine := New(Config{Host: daemon.Host, Executable: enginetest.Program(b), Init: initProgram(b)})
	user := lifecycle.User{UID: 1001, GID: 1002}
	spec := lifecycle.PlaceSpec{Builder: plainBuilder(b), User: user, Volumes: lifecycle.Volumes()}
	open := func(b *testing.B) lifecycle.Place {
		place, err := engine.Open(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { place.Close() })
		return place
	}
	open(b).Close() // the images are there from now on
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			open(b)
		}
	})
	b.Run("close", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			place := open(b)
			b.StartTimer()
			if err := place.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	layers := lifecycle.Mount{Volume: lifecycle.VolumeLayers, Target: "/layers"}
	phases := map[string]lifecycle.Phase{
		"builder": {Root: lifecycle.BuilderRoot, Args: []string{"/cnb/tool", "say"}, Mounts: []lifecycle.Mount{layers}},
		"own":     {Root: lifecycle.OwnRoot, Args: []string{"say"}, Mounts: []lifecycle.Mount{layers}},
		"parts":   {Root: lifecycle.OwnRoot, Args: []string{"say"}, Mounts: []lifecycle.Mount{layers, {Builder: "/cnb", Target: "/cnb"}}},
	}
	for name, phase := range phases {
		phase.Name, phase.User, phase.Dir, phase.Network = lifecycle.Detect, user, "/", lifecycle.NetworkHost
		b.Run(name, func(b *testing.B) {
			place := open(b)
			for b.Loop() {
				if err := place.Run(b.Context(), phase, lifecycle.Streams{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("import and export", func(b *testing.B) {
		place := open(b)
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "file", Mode: 0o644}); err != nil {
			b.Fatal(err)
		}
		w.Close()
		for b.Loop() {
			if err := place.Import(b.Context(), lifecycle.VolumeApp, bytes.NewReader(archive.Bytes())); err != nil {
				b.Fatal(err)
			}
			r, err := place.Export(b.Context(), lifecycle.VolumeApp, "file")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				b.Fatal(err)
			}
			r.Close()
		}
	})
}

package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/lifecycle"
)

var layers = lifecycle.Mount{Volume: lifecycle.VolumeLayers, Target: "/layers"}

func testCancel(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		cancel, ended := started(t, place, phase("wait"), nil)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := place.Run(ctx, phase("wait"), lifecycle.Streams{}); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: got %v, want context.Canceled", err)
		}
	})
}

// testCancelStubborn cancels phases that do not end when asked to, with a
// process that has left the phase's session.
func testCancelStubborn(t *testing.T, s *suite) {
	place := s.place(t)
	for name, args := range map[string][]string{
		"the phase itself": {"wait", "stubborn"},
		"an orphan":        {"orphan", "/layers/ticks", "stay"},
	} {
		t.Run(name, func(t *testing.T) {
			cancel, ended := started(t, place, with(builderPhase(args...), layers), nil)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
	checkSilence(t, place)
}

func testOrphans(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		for _, kind := range []string{"orphan", "bolt"} {
			output(t, place, with(phase(kind, "/layers/ticks"), layers))
			checkSilence(t, place)
		}
	})
}

// checkSilence fails when something still ticks into the layers volume. A
// process that lives would write in the time that two more phases take.
func checkSilence(t *testing.T, place lifecycle.Place) {
	t.Helper()
	before := export(t, place, lifecycle.VolumeLayers, "ticks")
	for range 2 {
		output(t, place, builderPhase("say"))
	}
	if after := export(t, place, lifecycle.VolumeLayers, "ticks"); len(after) != len(before) {
		t.Errorf("a process went on after its phase: %d bytes became %d", len(before), len(after))
	}
}

func testSideBySide(t *testing.T, s *suite) {
	place := s.place(t)
	cancelFirst, first := started(t, place, with(builderPhase("wait"), layers), nil)
	cancelSecond, second := started(t, place, with(ownPhase("wait"), layers), nil)
	// What one ends leaves the other alone.
	cancelFirst()
	<-first
	output(t, place, builderPhase("say"))
	select {
	case err := <-second:
		t.Errorf("the second phase ended with %v", err)
	default:
	}
	cancelSecond()
	<-second
}

func testClose(t *testing.T, s *suite) {
	place := s.place(t)
	steps(t, place, with(builderPhase("do", "mkdir:/layers/a/b", "write:/layers/a/b/c=x", "chmod:/layers/a/b=0", "chmod:/layers/a=0"), layers))
	for range 2 {
		if err := place.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := place.Run(t.Context(), builderPhase("say"), lifecycle.Streams{}); err == nil {
		t.Error("a closed place runs phases")
	}
	if err := place.Import(t.Context(), lifecycle.VolumeApp, failing{io.EOF}); err == nil {
		t.Error("a closed place imports")
	}
	if _, err := place.Export(t.Context(), lifecycle.VolumeLayers, "a/b/c"); err == nil {
		t.Error("a closed place exports")
	}
}

func testCloseRunning(t *testing.T, s *suite) {
	place := s.place(t)
	_, ended := started(t, place, builderPhase("wait"), nil)
	if err := place.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a phase came to a good end when its place was closed")
	}
}

func testOpenCancelled(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	place, err := s.engine.Open(ctx, lifecycle.PlaceSpec{Builder: s.builder, User: testUser})
	if err == nil {
		place.Close()
		t.Error("a place was opened although nobody wants it")
	}
}

// testLayersReadOnce opens a place of a builder that no store can have.
func testLayersReadOnce(t *testing.T, s *suite) {
	content := archive(t, file{tar.Header{Typeflag: tar.TypeReg, Name: "unique", Mode: 0o644}, []byte(t.TempDir())})
	unique, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		t.Fatal(err)
	}
	counted := &countedLayer{Layer: unique}
	img, err := mutate.AppendLayers(s.builder, counted)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		place, err := s.engine.Open(t.Context(), lifecycle.PlaceSpec{Builder: img, User: testUser})
		if err != nil {
			t.Fatal(err)
		}
		if got := steps(t, place, builderPhase("do", "stat:/unique")); got[0].Err != "" {
			t.Error(got[0].Err)
		}
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	}
	if reads := counted.reads.Load(); reads > 2 {
		t.Errorf("a layer was read %d times by two places", reads)
	}
}

// countedLayer counts how often its content is asked for.
type countedLayer struct {
	v1.Layer
	reads atomic.Int64
}

// Compressed implements v1.Layer.
func (c *countedLayer) Compressed() (io.ReadCloser, error) {
	c.reads.Add(1)
	return c.Layer.Compressed()
}

// Uncompressed implements v1.Layer.
func (c *countedLayer) Uncompressed() (io.ReadCloser, error) {
	c.reads.Add(1)
	return c.Layer.Uncompressed()
}

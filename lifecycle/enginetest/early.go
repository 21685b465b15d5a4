package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// slowLayer is a layer that nobody has read before and that comes when the test
// wants.
type slowLayer struct {
	v1.Layer
	come <-chan struct{}
	err  error
}

// Compressed implements v1.Layer.
func (l *slowLayer) Compressed() (io.ReadCloser, error) {
	<-l.come
	if l.err != nil {
		return nil, l.err
	}
	return l.Layer.Compressed()
}

// withSlowLayer returns the suite's builder with a slow layer that has a file
// /slow.
func (s *suite) withSlowLayer(t *testing.T, come <-chan struct{}, err error) v1.Image {
	t.Helper()
	content := archive(t, file{tar.Header{Typeflag: tar.TypeReg, Name: "slow", Mode: 0o644}, []byte(t.TempDir())})
	layer, layerErr := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	img, imgErr := mutate.AppendLayers(s.builder, &slowLayer{layer, come, err})
	if err := errors.Join(layerErr, imgErr); err != nil {
		t.Fatal(err)
	}
	return img
}

// openEarly opens a place whose builder has a slow layer. It returns nil for an
// engine whose places cannot be used before their builder is there.
func (s *suite) openEarly(t *testing.T, come <-chan struct{}, err error) lifecycle.Place {
	t.Helper()
	if !s.traits.Early {
		return nil
	}
	return s.open(t, lifecycle.PlaceSpec{
		Builder: s.withSlowLayer(t, come, err), User: testUser, Volumes: lifecycle.Volumes(),
	})
}

func testEarly(t *testing.T, s *suite) {
	come := make(chan struct{})
	place := s.openEarly(t, come, nil)
	if place == nil {
		return
	}
	if got := steps(t, place, with(ownPhase("do", "write:/layers/a=1"), layers)); got[0].Err != "" {
		t.Error(got[0].Err)
	}
	// What needs the builder waits, and can be cancelled.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, phase := range []lifecycle.Phase{
		with(builderPhase("do", "stat:/slow"), layers),
		with(ownPhase("do", "stat:/slow"), lifecycle.Mount{Builder: "/slow", Target: "/slow", ReadOnly: true}),
	} {
		if err := place.Run(ctx, phase, lifecycle.Streams{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s ran before its builder was there: %v", phase.Root, err)
		}
	}
	if err := place.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the builder is there: %v", err)
	}
	close(come)
	if err := place.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := steps(t, place, with(builderPhase("do", "stat:/slow", "read:/layers/a"), layers))
	for _, step := range got {
		if step.Err != "" {
			t.Error(step.Err)
		}
	}
}

func testEarlyBroken(t *testing.T, s *suite) {
	come := make(chan struct{})
	broken := errors.New("the layer cannot be had")
	place := s.openEarly(t, come, broken)
	if place == nil {
		return
	}
	close(come)
	err := place.Ready(t.Context())
	if err == nil || !strings.Contains(err.Error(), broken.Error()) {
		t.Errorf("waiting gave %v", err)
	}
	if err := place.Run(t.Context(), builderPhase("say"), lifecycle.Streams{}); err == nil {
		t.Error("a phase ran without its builder")
	}
	if got := steps(t, place, ownPhase("do", "list:/")); got[0].Err != "" {
		t.Errorf("an own phase does not run: %v", got[0].Err)
	}
}

func testHidden(t *testing.T, s *suite) {
	place := s.place(t)
	phase := with(builderPhase("do",
		"list:/layers/hidden", "write:/layers/hidden/b=2", "write:/layers/c=3", "read:/layers/hidden/a", "rename:/layers/hidden=/layers/other",
	), layers)
	phase.Hidden = "/layers/hidden"
	if !s.traits.Early {
		if err := place.Run(t.Context(), phase, lifecycle.Streams{}); err == nil {
			t.Error("a phase ran from which something should have been hidden")
		}
		return
	}
	steps(t, place, with(ownPhase("do", "mkdir:/layers/hidden", "write:/layers/hidden/a=1"), layers))
	for i, step := range steps(t, place, phase) {
		if failed := step.Err != ""; failed == (i == 0 || i == 2) || i == 0 && step.Out != "" {
			t.Errorf("step %d: %+v", i, step)
		}
	}
	for _, step := range steps(t, place, with(ownPhase("do", "read:/layers/hidden/a", "read:/layers/c"), layers)) {
		if step.Err != "" {
			t.Error(step.Err)
		}
	}
}

// testLeave closes a place that another process may remove, which may take longer.
func testLeave(t *testing.T, s *suite) {
	place := s.open(t, lifecycle.PlaceSpec{Builder: s.builder, User: testUser, Volumes: lifecycle.Volumes(), Leave: true})
	mark := filepath.Base(t.TempDir()) + "-left"
	steps(t, place, with(builderPhase("do", "mkdir:/layers/a", "write:/layers/a/"+mark+"=x", "chmod:/layers/a=0555"), layers))
	if err := place.Close(); err != nil {
		t.Fatal(err)
	}
	if err := place.Run(t.Context(), builderPhase("say"), lifecycle.Streams{}); err == nil {
		t.Error("a place that was left runs phases")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(os.TempDir(), "*", "volumes", "layers", "a", mark))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v is still there", found)
		}
	}
}

// testLeaveFailed closes a place that another process might remove, had nothing
// failed in it: all is gone at once.
func testLeaveFailed(t *testing.T, s *suite) {
	place := s.open(t, lifecycle.PlaceSpec{Builder: s.builder, User: testUser, Volumes: lifecycle.Volumes(), Leave: true})
	mark := filepath.Base(t.TempDir()) + "-failed"
	steps(t, place, with(builderPhase("do", "write:/layers/"+mark+"=x"), layers))
	if err := place.Run(t.Context(), builderPhase("exit", "3"), lifecycle.Streams{}); err == nil {
		t.Error("a phase did not fail")
	}
	if err := place.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*", "volumes", "layers", mark))
	if err != nil || len(found) > 0 {
		t.Errorf("%v is still there, %v", found, err)
	}
}

package inplace

import (
	"context"
	"os"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/inplace/takeoverimage"
)

// TestContract runs the suite inside a root like a container's: the suite's
// builder, or pack-cache's own image, each as root with what a container's root
// may do, and as the build user with nothing.
func TestContract(t *testing.T) {
	if engine := os.Getenv(rerunEnv); engine != "" {
		enginetest.Run(t, func(t *testing.T) lifecycle.Engine {
			config := Config{Executable: enginetest.Program(t)}
			if engine == "takeover" {
				return NewTakeover(config)
			}
			return unadorned{New(config)}
		}, enginetest.InPlace)
		return
	}
	own, err := takeoverimage.New(takeoverimage.Content{Version: "test", Architecture: "any"})
	if err != nil {
		t.Fatal(err)
	}
	for engine, img := range map[string]v1.Image{"inplace": enginetest.Builder(t), "takeover": own} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			for _, as := range []string{asRoot, asUser} {
				t.Run(as, func(t *testing.T) { rerun(t, engine, as, img, "^TestContract$") })
			}
		})
	}
}

// unadorned is an engine in a container of the suite's builder: nothing is laid
// over it.
type unadorned struct{ *Engine }

// Open implements lifecycle.Engine.
func (u unadorned) Open(ctx context.Context, spec lifecycle.PlaceSpec) (lifecycle.Place, error) {
	spec.Builder = empty.Image
	return u.Engine.Open(ctx, spec)
}

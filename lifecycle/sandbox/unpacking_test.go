package sandbox

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// brokenImage is an image one of whose layers cannot be read to its end, or not
// at all.
type brokenImage struct {
	v1.Image
	broken v1.Hash
	after  int64 // bytes; negative: the layer cannot be opened
}

var errRegistry = errors.New("the registry went away")

func (b *brokenImage) Layers() ([]v1.Layer, error) {
	layers, err := b.Image.Layers()
	for i, layer := range layers {
		if digest, _ := layer.Digest(); digest == b.broken {
			layers[i] = &brokenLayer{layer, b.after}
		}
	}
	return layers, err
}

func (b *brokenImage) LayerByDigest(digest v1.Hash) (v1.Layer, error) {
	layer, err := b.Image.LayerByDigest(digest)
	if err == nil && digest == b.broken {
		layer = &brokenLayer{layer, b.after}
	}
	return layer, err
}

type brokenLayer struct {
	v1.Layer
	after int64
}

func (b *brokenLayer) Compressed() (io.ReadCloser, error) {
	if b.after < 0 {
		return nil, errRegistry
	}
	whole, err := b.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(whole, b.after), failing{}), whole}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errRegistry }

// TestLayerErrors makes sure that the cause is named when a builder cannot be
// fetched, however many processes away it came up.
func TestLayerErrors(t *testing.T) {
	if os.Geteuid() == 0 && os.Getenv(rerunEnv) == "" {
		t.Run("one id", func(t *testing.T) {
			rerun(t, circumstances{kind: rerunPlain, uid: 4242, gid: 4242}, "^TestLayerErrors$")
		})
	}
	img := enginetest.Builder(t)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, after := range map[string]int64{"cut short": 1000, "cannot be opened": -1} {
		t.Run(name, func(t *testing.T) {
			place, _, err := openPlace(t, &brokenImage{img, digest, after})
			if err == nil {
				place.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), errRegistry.Error()) {
				t.Errorf("the error does not say why: %v", err)
			}
		})
	}
}

package sandbox

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// brokenImage is an image one of whose layers cannot be read to its end, or not
// at all.
type brokenImage struct {
	v1.Image
	broken v1.Hash
	layer  *brokenLayer
}

func (b *brokenImage) Layers() ([]v1.Layer, error) {
	layers, err := b.Image.Layers()
	for i, layer := range layers {
		if digest, _ := layer.Digest(); digest == b.broken {
			layers[i] = b.layer
		}
	}
	return layers, err
}

func (b *brokenImage) LayerByDigest(digest v1.Hash) (v1.Layer, error) {
	layer, err := b.Image.LayerByDigest(digest)
	if err == nil && digest == b.broken {
		layer = b.layer
	}
	return layer, err
}

// brokenLayer ends with err after some bytes. If once is set, it does so at the
// first attempt only.
type brokenLayer struct {
	v1.Layer
	after int64 // negative: it cannot even be opened
	err   error
	once  bool
	opens atomic.Int64
}

func (b *brokenLayer) Compressed() (io.ReadCloser, error) {
	first := b.opens.Add(1) == 1
	if b.after < 0 {
		return nil, b.err
	}
	whole, err := b.Layer.Compressed()
	if err != nil || b.once && !first {
		return whole, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(whole, b.after), failing{b.err}), whole}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestLayerErrors makes sure that a layer that breaks off is fetched again, and
// that the cause is named when a builder cannot be fetched, however many
// processes away it came up.
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
	errRegistry := errors.New("the registry does not like it")
	for _, test := range []struct {
		name  string
		layer *brokenLayer
		want  error
	}{
		{"ends with an error", &brokenLayer{Layer: layers[0], after: 1000, err: errRegistry}, errRegistry},
		{"cannot be opened", &brokenLayer{Layer: layers[0], after: -1, err: errRegistry}, errRegistry},
		{"breaks off once", &brokenLayer{Layer: layers[0], after: 1000, err: io.ErrUnexpectedEOF, once: true}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := openPlace(t, &brokenImage{img, digest, test.layer})
			if (err == nil) != (test.want == nil) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.want.Error()) {
				t.Errorf("the error does not say why: %v", err)
			}
		})
	}
}

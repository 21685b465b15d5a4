package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/testregistry"
)

// partly is a cache of which one layer is lost on the way.
type partly struct {
	reg     *registry
	builder string
	app     *app
	// cache is its reference, blob the digest of the layer only-cache.
	cache, blob string
}

// newPartly makes the cache.
func newPartly(t *testing.T) partly {
	t.Helper()
	reg := newRegistry(t, testregistry.Options{Delete: true})
	p := partly{reg: reg, builder: reg.tiny(t, nil), app: newApp(t, nil, nil), cache: reg.ref("cache")}
	newMachine(t).build(p.args(p.cache)...)
	p.blob = reg.cache(t, p.cache).blob("samples/flags", "only-cache")
	return p
}

func (p partly) args(cache string) []string {
	return []string{p.reg.ref("app"), "--builder", p.builder, "--path", p.app.dir, "--cache-image", cache, "--publish"}
}

// blobFile is where the registry keeps the layer.
func (p partly) blobFile() string {
	hex := strings.TrimPrefix(p.blob, "sha256:")
	return filepath.Join(p.reg.Root(), "docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
}

// check builds with the cache: only the one layer is lost, and that is said.
func (p partly) check(t *testing.T, cache, reason string) {
	t.Helper()
	machine := newMachine(t)
	required := machine.run(append([]string{"build", "--cache-required"}, p.args(cache)...)...)
	required.wantCode(t, 1)
	required.wantStderr(t, "ERROR: the cache ", "could not be read: layer samples/flags:only-cache: ", reason, "HINT: leave out --cache-required")
	required.wantNoStderr(t, "BUILDING")

	result, out := machine.build(p.args(cache)...)
	out.wantStderr(t, "Warning: cached layer samples/flags:only-cache is not restored: ", reason,
		"flags: only-cache: new", // not even its metadata is there
		"flags: launch-cache: restored", "flags: build-cache: restored", "flags: launch-build-cache: restored")
	if layer := layerOf(t, result, "samples/flags:only-cache"); layer.Restore != "missed" || !strings.Contains(layer.RestoreReason, reason) {
		t.Errorf("the layer is said to be %+v", layer)
	}
	machine.wantNothingLeft()
}

// checkHealed builds again: the save of the last build has mended the cache.
func (p partly) checkHealed(t *testing.T, cache string) {
	t.Helper()
	_, out := newMachine(t).build(append(p.args(cache), "--cache-required")...)
	out.wantStderr(t, "flags: only-cache: restored")
}

// TestCacheLayerCorrupt has the registry keep a layer whose bytes have changed.
func TestCacheLayerCorrupt(t *testing.T) {
	t.Parallel()
	p := newPartly(t)
	data, err := os.ReadFile(p.blobFile())
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff
	if err := os.WriteFile(p.blobFile(), data, 0o644); err != nil {
		t.Fatal(err)
	}
	p.check(t, p.cache, "corrupt")
	p.checkHealed(t, p.cache)
}

// TestCacheLayerCut has the registry keep half of a layer.
func TestCacheLayerCut(t *testing.T) {
	t.Parallel()
	p := newPartly(t)
	if err := os.Truncate(p.blobFile(), 100); err != nil {
		t.Fatal(err)
	}
	p.check(t, p.cache, "only-cache")
	p.checkHealed(t, p.cache)
}

// TestCacheLayerGone has the registry lose a layer.
func TestCacheLayerGone(t *testing.T) {
	t.Parallel()
	p := newPartly(t)
	hex := strings.TrimPrefix(p.blob, "sha256:")
	link := filepath.Join(p.reg.Root(), "docker/registry/v2/repositories/cache/_layers/sha256", hex, "link")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	p.check(t, p.cache, "not found")
	p.checkHealed(t, p.cache)
}

// TestCacheConnectionCut breaks connections while layers are restored.
func TestCacheConnectionCut(t *testing.T) {
	t.Parallel()
	p := newPartly(t)
	layer := regexp.MustCompile("/blobs/" + p.blob)
	t.Run("once", func(t *testing.T) {
		proxy := testregistry.NewFaults(t, p.reg.Registry,
			testregistry.Rule{Method: http.MethodGet, Path: layer, Times: 1, CutResponse: 100},
			testregistry.Rule{Method: http.MethodGet, Path: regexp.MustCompile(`/cache/(blobs|manifests)/`), Times: 2, Status: http.StatusServiceUnavailable})
		result, out := newMachine(t).build(append(p.args(proxy.Addr+"/cache"), "--cache-required")...)
		out.wantStderr(t, "flags: only-cache: restored")
		for id, fate := range fates(result) {
			if fate.Restore != "restored" {
				t.Errorf("layer %s is %s", id, fate.Restore)
			}
		}
		if n := len(proxy.Requests(http.MethodGet, layer.String())); n < 2 {
			t.Errorf("the layer was asked for %d times; nothing was cut", n)
		}
	})
	t.Run("always", func(t *testing.T) {
		proxy := testregistry.NewFaults(t, p.reg.Registry, testregistry.Rule{Method: http.MethodGet, Path: layer, Drop: true})
		p.check(t, proxy.Addr+"/cache", "EOF")
	})
}

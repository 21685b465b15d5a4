package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// damaged is a cache whose layers the registry does not give back as they were.
type damaged struct {
	reg     *registry
	builder string
	app     *app
	cache   cacheImage
}

// newDamaged makes a cache that is whole yet.
func newDamaged(t *testing.T) damaged {
	t.Helper()
	reg := newRegistry(t, testregistry.Options{})
	d := damaged{reg: reg, builder: reg.tiny(t, nil), app: newApp(t, nil, nil)}
	newMachine(t).build(d.args(reg.Addr)...)
	d.cache = reg.cache(t, reg.ref("cache"))
	return d
}

// args builds with the cache at host.
func (d damaged) args(host string) []string {
	return []string{d.reg.ref("app"), "--builder", d.builder, "--path", d.app.dir, "--cache-image", host + "/cache", "--publish"}
}

// blobFile is where the registry keeps the content of a layer of samples/flags.
func (d damaged) blobFile(layer string) string {
	hex := strings.TrimPrefix(d.cache.blob("samples/flags", layer), "sha256:")
	return filepath.Join(d.reg.Root(), "docker/registry/v2/blobs/sha256", hex[:2], hex, "data")
}

// flip changes a byte of a layer.
func (d damaged) flip(t *testing.T, layer string) {
	t.Helper()
	data, err := os.ReadFile(d.blobFile(layer))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff
	if err := os.WriteFile(d.blobFile(layer), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantLost fails unless just these layers are lost, for the reasons given, and
// that is said. Not even the metadata of a lost layer is there.
func (d damaged) wantLost(t *testing.T, result *platform.Result, out outcome, reasons map[string]string) {
	t.Helper()
	for id, fate := range fates(result) {
		_, name, _ := strings.Cut(id, ":")
		reason, lost := reasons[name]
		switch layer := layerOf(t, result, id); {
		case !lost && fate.Restore != "restored":
			t.Errorf("%s is %s: %s", id, fate.Restore, layer.RestoreReason)
		case lost && (fate.Restore != "missed" || !strings.Contains(layer.RestoreReason, reason)):
			t.Errorf("%s is %s: %q, want %q", id, fate.Restore, layer.RestoreReason, reason)
		case lost:
			out.wantStderr(t, "Warning: cached layer "+id+" is not restored: ", reason, "flags: "+name+": new")
		}
	}
}

// TestCacheDamaged has the registry keep layers with other bytes, cut one short
// and lose one. The build goes on without them, and mends the cache.
func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	d.flip(t, "only-cache")
	if err := os.Truncate(d.blobFile("build-cache"), 100); err != nil {
		t.Fatal(err)
	}
	lost := strings.TrimPrefix(d.cache.blob("samples/flags", "launch-build-cache"), "sha256:")
	if err := os.RemoveAll(filepath.Join(d.reg.Root(), "docker/registry/v2/repositories/cache/_layers/sha256", lost)); err != nil {
		t.Fatal(err)
	}
	machine := newMachine(t)

	required := machine.run(append([]string{"build", "--cache-required"}, d.args(d.reg.Addr)...)...)
	required.wantCode(t, 1)
	required.wantStderr(t, "ERROR: the cache ", "could not be read: layer samples/flags:", "HINT: leave out --cache-required")
	required.wantNoStderr(t, "BUILDING")

	result, out := machine.build(d.args(d.reg.Addr)...)
	d.wantLost(t, result, out, map[string]string{"only-cache": "corrupt", "build-cache": "build-cache", "launch-build-cache": "not found"})
	machine.wantNothingLeft()

	result, out = newMachine(t).build(append(d.args(d.reg.Addr), "--cache-required")...)
	d.wantLost(t, result, out, nil)
}

// TestCacheConnectionCut breaks connections while layers are restored.
func TestCacheConnectionCut(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	layer := regexp.MustCompile("/blobs/" + d.cache.blob("samples/flags", "only-cache"))
	proxy := testregistry.NewFaults(t, d.reg.Registry,
		testregistry.Rule{Method: http.MethodGet, Path: layer, Times: 1, CutResponse: 100},
		testregistry.Rule{Method: http.MethodGet, Path: regexp.MustCompile(`/cache/(blobs|manifests)/`), Times: 2, Status: http.StatusServiceUnavailable})
	result, out := newMachine(t).build(append(d.args(proxy.Addr), "--cache-required")...)
	d.wantLost(t, result, out, nil)
	if n := len(proxy.Requests(http.MethodGet, layer.String())); n < 2 {
		t.Errorf("the layer was asked for %d times; nothing was cut", n)
	}

	proxy.Set(testregistry.Rule{Method: http.MethodGet, Path: layer, Drop: true})
	result, out = newMachine(t).build(d.args(proxy.Addr)...)
	d.wantLost(t, result, out, map[string]string{"only-cache": "EOF"})
}

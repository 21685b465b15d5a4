package acceptance

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// impatient are the attributes of a cache that is not waited for.
const impatient = ",idle-timeout=1s,max-wait=2s"

// TestCacheStandsStill has the registry of the cache stop in the middle of
// something, or promise what it does not keep. The build goes on without it, says
// why, and does not ask for ever.
func TestCacheStandsStill(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	layers := regexp.MustCompile(`^/v2/cache/blobs/sha256:`)
	manifests := regexp.MustCompile(`^/v2/cache/manifests/`)
	uploads := regexp.MustCompile(`^/v2/cache/blobs/uploads/`)
	tooMany := testregistry.Rule{Method: http.MethodGet, Path: layers, Skip: 1, Status: http.StatusTooManyRequests}
	later := tooMany
	later.Header = http.Header{"Retry-After": {"600"}}
	for _, test := range []struct {
		name string
		rule testregistry.Rule
		says string
		// most is how many requests there may be that meet the fault.
		most int
	}{
		{"no answer for the manifest", testregistry.Rule{Method: http.MethodGet, Path: manifests, Delay: time.Hour}, "no data from", 12},
		{"layers stop halfway", testregistry.Rule{Method: http.MethodGet, Path: layers, Skip: 1, Response: testfaults.Harm{Stall: 100}}, "no data from", 40},
		{"layers break off after 100 bytes", testregistry.Rule{Method: http.MethodGet, Path: layers, Skip: 1, CutResponse: 100}, "unexpected EOF", 60},
		{"429 for every layer", tooMany, "429 Too Many Requests", 60},
		{"Retry-After of ten minutes", later, "it asks for a pause of 10m0s", 30},
		{"uploads do not begin", testregistry.Rule{Method: http.MethodPost, Path: uploads, Delay: time.Hour}, "no data from", 12},
		{"uploads are not taken", testregistry.Rule{Method: http.MethodPatch, Path: uploads, Delay: time.Hour}, "no data from", 20},
		{"uploads do not end", testregistry.Rule{Method: http.MethodPut, Path: uploads, Delay: time.Hour}, "no data from", 30},
		{"the manifest is not taken", testregistry.Rule{Method: http.MethodPut, Path: manifests, Delay: time.Hour}, "no data from", 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, d.reg.Registry, test.rule)
			from, to := "type=registry,ref="+proxy.Addr+"/cache"+impatient, "type=registry,ref="+proxy.Addr+"/cache"+impatient
			app := d.app
			if test.rule.Method != http.MethodGet { // there has to be something to save
				app = newApp(t, nil, nil)
				from, to = strings.Replace(from, "/cache", "/cache/none", 1), strings.Replace(to, "/cache", "/cache", 1)
			}
			args := []string{d.reg.fresh("app"), "--builder", d.builder, "--path", app.dir, "--publish", "--import-cache", from, "--export-cache", to}
			if test.rule.Method != http.MethodGet {
				args = append(args, "--clear-cache")
			}
			began := time.Now()
			_, out := newMachine(t).build(args...)
			out.wantStderr(t, test.says)
			if took := time.Since(began); took > 3*time.Minute {
				t.Errorf("it took %s", took)
			}
			if n := len(proxy.Requests(test.rule.Method, test.rule.Path.String())); n > test.most {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestDeadCacheByDefault imports and exports a cache whose registry takes
// connections and says nothing, with the rule as it is by default.
func TestDeadCacheByDefault(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	dead := testregistry.NewFaults(t, reg.Registry, testregistry.Rule{Delay: time.Hour})
	machine := newMachine(t)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
	began := time.Now()
	machine.build(args...)
	clean := time.Since(began)
	began = time.Now()
	_, out := machine.build(append(args, "--cache-image", dead.Addr+"/cache")...)
	cost := time.Since(began) - clean
	t.Logf("it cost %s more than %s", cost, clean)
	if cost > 2*time.Minute {
		t.Errorf("a dead cache cost %s", cost)
	}
	out.wantStderr(t, "still waiting for "+dead.Addr, "no data from "+dead.Addr, "was not saved")
	machine.wantNothingLeft()
}

// TestBuilderStandsStill ends, because there is no build without a builder.
func TestBuilderStandsStill(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []struct {
		name string
		rule testregistry.Rule
	}{
		{"manifest", stuck("GET", `^/v2/samples/tiny-builder/manifests/`)},
		{"config", stuck("GET", `^/v2/samples/tiny-builder/blobs/`)},
		{"layers", halfway("GET", `^/v2/samples/tiny-builder/blobs/`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, reg.Registry, test.rule)
			machine := newMachine(t)
			out := machine.run("build", reg.fresh("app"), "--builder", proxy.Addr+"/samples/tiny-builder", "--path", app.dir, "--publish",
				"--idle-timeout", "1s", "--max-wait", "2s")
			if out.code == 0 {
				t.Errorf("exit code 0")
			}
			out.wantStderr(t, "ERROR: ", "no data from "+proxy.Addr)
			machine.wantNothingLeft()
		})
	}
}

// TestAppRegistryStumbles has the registry of the app image fail once where it is
// written to.
func TestAppRegistryStumbles(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	uploads, manifests := regexp.MustCompile(`^/v2/app/blobs/uploads/`), regexp.MustCompile(`^/v2/app/manifests/`)
	for _, test := range []struct {
		name string
		rule testregistry.Rule
	}{
		{"503 to the check of rights", testregistry.Rule{Method: http.MethodPost, Path: uploads, Times: 1, Status: http.StatusServiceUnavailable}},
		{"500 to the manifest", testregistry.Rule{Method: http.MethodPut, Path: manifests, Times: 1, Status: http.StatusInternalServerError}},
		{"500 to a layer", testregistry.Rule{Method: http.MethodPatch, Path: uploads, Times: 1, Status: http.StatusInternalServerError}},
		{"500 to the end of a layer", testregistry.Rule{Method: http.MethodPut, Path: uploads, Times: 1, Status: http.StatusInternalServerError}},
		{"429 to everything once", testregistry.Rule{Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, reg.Registry, test.rule)
			result, _ := newMachine(t).build(proxy.Addr+"/app", "--builder", builder, "--path", app.dir, "--publish")
			if result.Digest == "" {
				t.Error("no digest")
			}
		})
	}
}

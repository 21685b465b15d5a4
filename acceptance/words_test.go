package acceptance

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestWords has faults of every kind, and looks for the words and the exit code
// that fit each.
func TestWords(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	config, contact := regexp.MustCompile(`^/v2/samples/tiny-builder/blobs/`), regexp.MustCompile(`^/v2/$`)
	cache := regexp.MustCompile(`^/v2/cache/manifests/`)
	for _, test := range []struct {
		name   string
		rule   testregistry.Rule
		cached bool // the proxy has the cache instead of the builder
		code   int
		says   []string
	}{
		{"config 429", testregistry.Rule{Path: config, Status: 429}, false, 1, []string{"builder ", "429", "try again later"}},
		{"config 503", testregistry.Rule{Path: config, Status: 503}, false, 1, []string{"builder ", "503", "try again later"}},
		{"config 403", testregistry.Rule{Path: config, Status: 403}, false, 4, []string{"credentials for ", "the builder", "HINT: there is no credential for "}},
		{"config 404", testregistry.Rule{Path: config, Status: 404}, false, 1, []string{"builder ", "is not there"}},
		{"config reset", testregistry.Rule{Path: config, Drop: true}, false, 1, []string{"builder ", "EOF", "HINT: check that registry"}},
		{"first contact 403", testregistry.Rule{Path: contact, Status: 403}, true, 4, []string{"could not be read", "403", "HINT: "}},
		{"manifest 403", testregistry.Rule{Path: cache, Status: 403}, true, 4, []string{"could not be read", "403", "HINT: "}},
		{"first contact 404", testregistry.Rule{Path: contact, Status: http.StatusNotFound}, true, 1, []string{"does not answer as a registry"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			proxy := testregistry.NewFaults(t, reg.Registry, test.rule)
			args := []string{"build", reg.ref("app"), "--path", app.dir, "--publish", "--trust-builder", "--run-image", reg.ref("samples/tiny-run")}
			if test.cached {
				args = append(args, "--builder", reg.ref("samples/tiny-builder"), "--cache-image", proxy.Addr+"/cache", "--cache-required")
			} else {
				args = append(args, "--builder", proxy.Addr+"/samples/tiny-builder")
			}
			out := newMachine(t).run(args...)
			out.wantCode(t, test.code)
			out.wantStderr(t, append(test.says, "ERROR: ")...)
			out.wantNoStderr(t, "pack builder create", "Warning: log in")
		})
	}
}

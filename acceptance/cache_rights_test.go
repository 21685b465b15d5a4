package acceptance

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// TestCacheReadOnly builds as a user who may read the cache, but not write it.
func TestCacheReadOnly(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "admin", Password: "admin-secret"},
		{Name: "reader", Password: "reader-secret", May: map[string][]string{"*": {"pull", "push"}, "cache": {"pull"}}},
	}})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "deps cache keep"}, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}
	newMachine(t, registryAuth(t, reg.Addr, "admin", "admin-secret")).build(args...)
	before := reg.digest(t, reg.ref("cache"))
	reader := newMachine(t, registryAuth(t, reg.Addr, "reader", "reader-secret"))

	// Nothing is to be written.
	result, out := reader.build(append(args, "--cache-required")...)
	out.wantStderr(t, "churn: deps: restored")
	if result.Saved[0].Failed != "" || result.Saved[0].Changed {
		t.Errorf("without a change: %+v", result.Saved[0])
	}

	app.set(map[string]string{"churn": "deps cache random"})
	result, out = reader.build(args...)
	out.wantStderr(t, "churn: deps: restored", "flags: only-cache: restored",
		"Warning: cache "+reg.ref("cache")+":latest was not saved: ", "401 Unauthorized",
		"HINT: check that the account that is logged in to "+reg.Addr+" may do that")
	if result.Saved[0].Failed == "" {
		t.Error("the result does not say that the cache was not saved")
	}

	published := reg.digest(t, reg.ref("app"))
	required := reader.run(append([]string{"build", "--output", "json", "--cache-required"}, args...)...)
	required.wantNotSaved(t, reg, "401 Unauthorized")
	if after := reg.digest(t, reg.ref("app")); after != published {
		t.Errorf("the same source gave %s and then %s", published, after)
	}
	if after := reg.digest(t, reg.ref("cache")); after != before {
		t.Errorf("the cache has changed from %s to %s", before, after)
	}
	required.wantNoSecret(t)
	reader.wantNothingLeft()
}

// wantNotSaved fails unless the command built and published, and then could not
// save the cache that was required.
func (o outcome) wantNotSaved(t *testing.T, reg *registry, reason string) {
	t.Helper()
	o.wantCode(t, 3)
	o.wantStderr(t, "ERROR: the image was built, but the cache was not saved to ", reason, "HINT: leave out --cache-required")
	var result platform.Result
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		t.Fatalf("standard output is not one JSON value: %v\n%s", err, o.stdout)
	}
	if result.Digest == "" || reg.digest(t, reg.ref("app")) != result.Digest {
		t.Errorf("the image %s is not what is published", result.Image)
	}
}

// TestCacheNotSaved has the registry refuse the cache in each step of saving it.
// The old cache stays.
func TestCacheNotSaved(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "deps cache random 20 9999"}, nil)
	args := func(cache string) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", cache, "--publish"}
	}
	newMachine(t).build(args(reg.ref("cache"))...)
	before := reg.digest(t, reg.ref("cache"))
	uploads, manifests := regexp.MustCompile(`^/v2/cache/blobs/uploads/`), regexp.MustCompile(`^/v2/cache/manifests/`)
	for _, test := range []struct {
		name   string
		rule   testregistry.Rule
		reason string
	}{
		{"full", testregistry.Rule{Method: http.MethodPost, Path: uploads, Status: http.StatusForbidden, Body: `{"errors":[{"code":"DENIED","message":"quota exceeded"}]}`}, "DENIED: quota exceeded"},
		{"connection cut", testregistry.Rule{Method: http.MethodPatch, Path: uploads, CutRequest: 1000}, "cannot push to"},
		{"layer refused", testregistry.Rule{Method: http.MethodPut, Path: uploads, Status: http.StatusBadRequest, Body: `{"errors":[{"code":"DIGEST_INVALID"}]}`}, "DIGEST_INVALID"},
		{"manifest refused", testregistry.Rule{Method: http.MethodPut, Path: manifests, Status: http.StatusBadRequest, Body: `{"errors":[{"code":"MANIFEST_INVALID"}]}`}, "MANIFEST_INVALID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy := testregistry.NewFaults(t, reg.Registry, test.rule)
			machine := newMachine(t)
			out := machine.run(append([]string{"build", "--output", "json", "--cache-required"}, args(proxy.Addr+"/cache")...)...)
			out.wantNotSaved(t, reg, test.reason)
			out.wantStderr(t, "churn: deps: restored", "Warning: cache "+proxy.Addr+"/cache:latest was not saved: ")
			if after := reg.digest(t, reg.ref("cache")); after != before {
				t.Errorf("the cache has changed from %s to %s", before, after)
			}
			machine.wantNothingLeft()
		})
	}
}

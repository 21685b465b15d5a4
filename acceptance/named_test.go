package acceptance

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// The people of TestNamedCaches: a job has a token for its organisation's
// packages, a developer one for a fork; whoever is logged in may publish apps and
// see no cache.
var (
	ciJob     = testregistry.User{Name: "octocat", Password: "ghs-token-of-the-job", May: map[string][]string{"acme/app-cache": {"pull", "push"}}}
	reading   = testregistry.User{Name: "reading", Password: "ghs-token-that-reads", May: map[string][]string{"acme/app-cache": {"pull"}}}
	developer = testregistry.User{Name: "dev", Password: "ghp-personal-token", May: map[string][]string{"dev/app-cache": {"pull", "push"}}}
	publisher = testregistry.User{Name: "publisher", Password: "publishers-password", May: map[string][]string{
		"*": {"pull", "push"}, "acme/app-cache": {}, "dev/app-cache": {},
	}}
	puller = testregistry.User{Name: "puller", Password: "pullers-password", May: map[string][]string{
		"samples/tiny-builder": {"pull"}, "samples/tiny-run": {"pull"}, "*": {},
	}}
)

// orgAndFork are the two caches of a project: that of the organisation, and that
// of whoever works on a fork.
func orgAndFork(host string) string {
	return strings.ReplaceAll(`
[[image_caches]]
name      = "org"
provider  = "registry"
url       = "HOST"
namespace = "${GITHUB_REPOSITORY_OWNER:-acme}"
image_tag = "app-cache"
username  = "${GITHUB_ACTOR}"
password  = "${GITHUB_TOKEN}"

[[image_caches]]
name      = "fork"
provider  = "registry"
url       = "HOST"
namespace = "${FORK_OWNER}"
image_tag = "app-cache"
username  = "${FORK_USER}"
password  = "${FORK_TOKEN}"
`, "HOST", host)
}

// TestNamedCaches fills and uses the caches of an organisation and of a fork, with
// a token that is in the environment as inside GitHub Actions, and with one that
// is in a .env file beside the source as outside.
func TestNamedCaches(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice, ciJob, reading, developer, publisher, puller}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"pack-cache.toml": orgAndFork(reg.Addr)})
	login := func(user testregistry.User) string { return registryAuth(t, reg.Addr, user.Name, user.Password) }
	inActions := func(user testregistry.User) []string {
		return []string{"GITHUB_REPOSITORY_OWNER=Acme", "GITHUB_ACTOR=" + user.Name, "GITHUB_TOKEN=" + user.Password}
	}
	with := []string{"--builder", builder, "--trust-builder", "--path", app.dir}

	build := func(m *machine, name string, more ...string) (map[string]fate, outcome) {
		result, out := m.build(slices.Concat([]string{reg.fresh("app"), "--publish", "--image-cache", name}, with, more)...)
		return fates(result), out
	}

	t.Run("never filled", func(t *testing.T) {
		m := newMachine(t, append(inActions(reading), login(publisher))...)
		out := m.run(slices.Concat([]string{"build", reg.ref("never"), "--publish", "--image-cache", "org"}, with)...)
		out.wantCode(t, 1)
		out.wantStderr(t, "ERROR: the named cache org is not filled: "+reg.ref("acme/app-cache:linux-"), "HINT: fill it for this builder with `pack-cache prime org --builder "+builder)
	})

	t.Run("inside Actions", func(t *testing.T) {
		// One who may publish nothing fills the cache.
		m := newMachine(t, append(inActions(ciJob), login(puller))...)
		out := m.run(slices.Concat([]string{"prime", "org", "--trust-cache-host", reg.Addr, "--output", "json"}, with)...)
		out.wantCode(t, 0)
		out.wantStderr(t, "flags: only-cache: new", "samples/flags:launch-cache", "added")
		var filled []struct {
			Name, Image string
			Saved       []struct{ To string } `json:"cache_exports"`
		}
		decode(t, out.stdout, &filled)
		if len(filled) != 1 || filled[0].Image != "" || len(filled[0].Saved) != 1 || !strings.HasPrefix(filled[0].Saved[0].To, reg.ref("acme/app-cache:linux-")) {
			t.Errorf("filled %+v", filled)
		}
		m.wantNothingLeft()

		// One who may only read the cache uses it, without an app image so far.
		m = newMachine(t, append(inActions(reading), login(publisher))...)
		used, out := build(m, "org")
		out.wantStderr(t, "Named cache org, from "+app.dir+"/pack-cache.toml", "flags: only-cache: restored", "flags: launch-cache: restored", "flags: launch-build-cache: restored")
		if diff := cmp.Diff(flagged("restored", ""), used); diff != "" {
			t.Errorf("a build with the filled cache (-want +got):\n%s", diff)
		}
		out.wantNoStderr(t, "saved as")
		m.wantNothingLeft()
		secrets{ciJob.Password, reading.Password, basic(ciJob), basic(reading)}.wantNoneKept(t, reg)
	})

	t.Run("outside Actions", func(t *testing.T) {
		fork := newApp(t, nil, map[string]string{
			"pack-cache.toml": orgAndFork(reg.Addr),
			".env":            "FORK_OWNER=Dev\nFORK_USER=" + developer.Name + "\nFORK_TOKEN='" + developer.Password + "'\n",
		})
		with := []string{"--builder", builder, "--trust-builder", "--path", fork.dir}
		m := newMachine(t, login(publisher))
		m.write(".pack/pack-cache.toml", `trusted_hosts = ["`+reg.Addr+`"]`, 0o600)
		out := m.run(append([]string{"prime", "fork"}, with...)...)
		out.wantCode(t, 0)
		if place := reg.ref("dev/app-cache:linux-"); !strings.HasPrefix(out.stdout, place) {
			t.Errorf("prime printed %q, want %s…", out.stdout, place)
		}
		result, out := m.build(append([]string{reg.fresh("app"), "--publish", "--image-cache", "fork", "--update-image-cache"}, with...)...)
		out.wantStderr(t, "flags: only-cache: restored", ".env is left out of the source")
		if diff := cmp.Diff(flagged("restored", "reused"), fates(result)); diff != "" {
			t.Errorf("a build with the cache of the fork (-want +got):\n%s", diff)
		}
		// The organisation's cache wants variables that are not set here.
		out = m.run(append([]string{"build", reg.ref("never"), "--publish", "--image-cache", "org"}, with...)...)
		out.wantCode(t, 2)
		out.wantStderr(t, "cache org: username: the variable GITHUB_ACTOR is not set")
		kept := secrets{developer.Password, basic(developer)}
		kept.wantNoneKept(t, reg)
		kept.wantNoneLeft(t, m)
	})

	t.Run("unreachable", func(t *testing.T) {
		gone := newApp(t, nil, map[string]string{"pack-cache.toml": orgAndFork("127.0.0.1:1")})
		m := newMachine(t, append(inActions(ciJob), login(publisher))...)
		result, out := m.build(reg.fresh("app"), "--publish", "--builder", builder, "--trust-builder", "--path", gone.dir,
			"--image-cache", "org", "--trust-cache-host", "127.0.0.1:1")
		out.wantStderr(t, "Warning: cache 127.0.0.1:1/acme/app-cache:linux-", "is not used")
		if diff := cmp.Diff(flagged("missed", ""), fates(result)); diff != "" && len(result.Layers) > 0 {
			t.Errorf("without the cache (-want +got):\n%s", diff)
		}
	})

	t.Run("commands", func(t *testing.T) {
		m := newMachine(t, append(inActions(reading), login(puller))...)
		m.write("pack-cache.toml", orgAndFork(reg.Addr), 0o644)
		trust := []string{"--trust-cache-host", reg.Addr, "--output", "json"}
		var shown struct{ Cache string }
		out := m.run(append([]string{"cache", "inspect", "type=named,name=org"}, trust...)...)
		out.wantCode(t, 0)
		decode(t, out.stdout, &shown)
		if !strings.HasPrefix(shown.Cache, reg.ref("acme/app-cache:linux-")) {
			t.Errorf("inspected %s", shown.Cache)
		}
		listed := listing(t, m.run(append([]string{"cache", "list", "type=named,name=org"}, trust...)...))
		if names := slices.Collect(maps.Keys(listed)); len(names) != 1 || !strings.HasPrefix(names[0], "linux-") {
			t.Errorf("listed %v", names)
		}
		// Each of the two with its own login.
		m.env = append(m.env, "FORK_OWNER=dev", "FORK_USER="+developer.Name, "FORK_TOKEN="+developer.Password)
		m.run(append([]string{"cache", "prune", "type=named,name=fork", "--dry-run", "--keep", "0"}, trust...)...).wantCode(t, 0)
		m.run(append([]string{"cache", "copy", "type=named,name=org", "type=named,name=fork"}, trust...)...).wantCode(t, 0)
		if diff := cmp.Diff(listed, listing(t, m.run(append([]string{"cache", "list", "type=named,name=fork"}, trust...)...))); diff != "" {
			t.Errorf("the copy for the fork (-organisation +fork):\n%s", diff)
		}
		m.run("cache", "inspect", "type=named,name=org").wantCode(t, 2)
		m.run("cache", "inspect", "type=named,nam=org").wantCode(t, 2)
	})

	// Every credential was used for what it was given for alone.
	for _, request := range reg.TokenRequests() {
		scopes := strings.Join(request.Scopes, " ")
		switch request.User {
		case ciJob.Name, reading.Name:
			if strings.ReplaceAll(scopes, "repository:acme/app-cache:", "") == scopes || strings.Contains(scopes, "app:") || strings.Contains(scopes, "samples/") {
				t.Errorf("the token for the cache was used for %v", request.Scopes)
			}
		case publisher.Name, puller.Name:
			if strings.Contains(scopes, "app-cache") {
				t.Errorf("the login for apps was used for %v", request.Scopes)
			}
		}
	}
}

// TestNamedCacheFromSource has a pack-cache.toml of the source try to send a token
// to a host that only it names, and a registry that the user names redirect to
// one.
func TestNamedCacheFromSource(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice, ciJob}})
	builder := reg.tiny(t, func(o *samples.Options) { o.PlatformAPIs = []string{"0.12", "0.13"} })
	evil := newEavesdropper(t)
	m := newMachine(t, registryAuth(t, reg.Addr, alice.Name, alice.Password),
		"GITHUB_ACTOR="+ciJob.Name, "GITHUB_TOKEN="+ciJob.Password, "FORK_OWNER=acme", "FORK_USER="+ciJob.Name, "FORK_TOKEN="+ciJob.Password)
	app := newApp(t, nil, map[string]string{"pack-cache.toml": orgAndFork(evil.host)})
	args := []string{"--builder", builder, "--trust-builder", "--path", app.dir}

	for _, command := range [][]string{
		slices.Concat([]string{"build", reg.ref("app"), "--publish", "--image-cache", "org"}, args),
		slices.Concat([]string{"build", reg.ref("app"), "--publish", "--image-cache", "org", "--cache-config", app.dir + "/pack-cache.toml"}, args),
		slices.Concat([]string{"prime", "org", "--trust-cache-host", reg.Addr}, args),
		slices.Concat([]string{"prime"}, args),
		{"cache", "list", "type=named,name=org", "--cache-config", app.dir + "/pack-cache.toml"},
	} {
		out := m.run(command...)
		out.wantCode(t, 2)
		out.wantStderr(t, "only this file names the registry "+evil.host, "--trust-cache-host "+evil.host)
	}
	app.write("pack-cache.toml", strings.Replace(orgAndFork(reg.Addr), "${GITHUB_REPOSITORY_OWNER:-acme}", "acme/${GITHUB_TOKEN}", 1))
	out := m.run(slices.Concat([]string{"build", reg.ref("app"), "--publish", "--image-cache", "org"}, args)...)
	out.wantCode(t, 2)
	out.wantStderr(t, "${GITHUB_TOKEN} may be a secret, and namespace is not a secret place")
	out.wantNoStderr(t, ciJob.Password)
	if heard := evil.all(); len(heard) > 0 {
		t.Errorf("the host was asked for something: %v", heard)
	}

	// The user's own cache of the same name goes first.
	app.write("pack-cache.toml", orgAndFork(evil.host))
	m.write(".pack/pack-cache.toml", orgAndFork(reg.Addr), 0o600)
	primed := m.run(slices.Concat([]string{"prime", "org"}, args)...)
	primed.wantCode(t, 0)
	// An old Platform API restores launch layers only if the app image has them.
	primed.wantStderr(t, "the builder speaks Platform API 0.13: until there is an app image")
	result, _ := m.build(slices.Concat([]string{reg.ref("app"), "--publish", "--image-cache", "org"}, args)...)
	if got := fates(result); got["samples/flags:only-cache"].Restore != "restored" || got["samples/flags:launch-cache"].Restore != "missed" {
		t.Errorf("with Platform API 0.13: %v", got)
	}

	// A registry may send blobs' readers elsewhere, but not their credentials.
	faults := testregistry.NewFaults(t, reg.Registry, testregistry.Rule{
		Method: http.MethodGet, Path: regexp.MustCompile("/acme/app-cache/blobs/"), Status: http.StatusTemporaryRedirect,
		Header: http.Header{"Location": {evil.server.URL + "/blob"}},
	})
	m.write(".pack/pack-cache.toml", orgAndFork(faults.Addr), 0o600)
	_, out = m.build(slices.Concat([]string{reg.ref("app"), "--publish", "--image-cache", "org"}, args)...)
	out.wantStderr(t, "is not used")
	heard := evil.all()
	if len(heard) == 0 {
		t.Error("the redirect was not followed")
	}
	for _, header := range heard {
		if header != "" {
			t.Errorf("the host that the registry redirects to was sent %q", header)
		}
	}
}

// eavesdropper is a host that notes the credentials it is sent.
type eavesdropper struct {
	host   string
	server *httptest.Server
	mu     sync.Mutex
	heard  []string
}

func newEavesdropper(t *testing.T) *eavesdropper {
	t.Helper()
	e := &eavesdropper{}
	e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, r.Header.Get("Authorization"))
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(e.server.Close)
	e.host = strings.TrimPrefix(e.server.URL, "http://")
	return e
}

// all returns the Authorization header of every request so far.
func (e *eavesdropper) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard)
}

// TestPrime fills caches without names, all that have one, and none that cannot be
// written to.
func TestPrime(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	with := []string{"--builder", builder, "--path", app.dir, "--output", "json"}
	m := newMachine(t)
	prime := func(code int, args ...string) ([]primed, outcome) {
		t.Helper()
		out := m.run(slices.Concat([]string{"prime"}, args, with)...)
		out.wantCode(t, code)
		var filled []primed
		if code == 0 {
			decode(t, out.stdout, &filled)
		}
		return filled, out
	}

	_, out := prime(2)
	out.wantStderr(t, "there is no cache to fill", "--export-cache")
	m.write(".pack/pack-cache.toml", `
[[image_caches]]
name = "kept"
provider = "local"
image_tag = "kept"

[[image_caches]]
name = "shared"
provider = "registry"
url = "`+reg.Addr+`"
image_tag = "shared"
`, 0o600)
	filled, _ := prime(0, "--target", "linux/"+runtime.GOARCH)
	if len(filled) != 2 || filled[0].Name != "kept" || filled[1].Name != "shared" || filled[0].Target != "linux/"+runtime.GOARCH {
		t.Fatalf("filled %+v", filled)
	}
	if kept := m.home + "/.cache/pack-cache/images/kept:linux-"; !strings.HasPrefix(filled[0].Saved[0].To, kept) {
		t.Errorf("saved to %s, want %s…", filled[0].Saved[0].To, kept)
	}
	if filled[0].Saved[0].Layers[0].Status != "added" {
		t.Errorf("%+v", filled[0].Saved[0])
	}
	again, _ := prime(0, "kept")
	if saved := again[0].Saved[0]; saved.Changed || saved.Layers[0].Status != "reused" {
		t.Errorf("the second time: %+v", saved)
	}
	result, _ := m.build(slices.Concat([]string{reg.ref("app"), "--publish", "--image-cache", "kept"}, with)...)
	if diff := cmp.Diff(flagged("restored", ""), fates(result)); diff != "" {
		t.Errorf("a build with the cache in a directory (-want +got):\n%s", diff)
	}

	prime(0, "--cache-image", reg.ref("plain"), "--export-cache", "type=local,dest="+m.home+"/plain")
	if img, digest := localImage(t, m.home+"/plain", "latest"); digest != reg.digest(t, reg.ref("plain")) {
		t.Error("two exports of one build are not the same cache")
	} else {
		cacheOf(t, img).wantWhole(t)
	}
	_, out = prime(3, "--export-cache", "type=local,dest="+app.dir+"/hello.txt")
	out.wantStderr(t, "ERROR: the cache was not saved to "+app.dir+"/hello.txt", "HINT: the previous cache is as it was")
	_, out = prime(2, "--export-cache", "type=inline")
	out.wantStderr(t, "there will be none")
	_, out = prime(2, "kept", "--export-cache", "type=gha")
	out.wantStderr(t, "attribute scope is missing")
	m.wantNothingLeft()
}

// primed is a cache that prime has filled.
type primed struct {
	Name, Target string
	Saved        []struct {
		To      string
		Changed bool
		Layers  []struct{ Status string }
	} `json:"cache_exports"`
}

package acceptance

import (
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestRegistryUnverified uses a registry whose certificate is from an authority
// that nobody has heard of.
func TestRegistryUnverified(t *testing.T) {
	t.Parallel()
	open := newRegistry(t, testregistry.Options{})
	builder := open.tiny(t, nil)
	closed := newRegistry(t, testregistry.Options{TLS: true, Auth: testregistry.Basic, Users: []testregistry.User{{Name: "bob", Password: "bob-secret"}}})
	closedBuilder := closed.tiny(t, nil)
	app := newApp(t, nil, nil)
	login := registryAuth(t, closed.Addr, "bob", "bob-secret")
	says := []string{closed.Addr, "certificate signed by unknown authority", "HINT: add the certificate authority of " + closed.Addr, "SSL_CERT_FILE"}
	for _, test := range []struct {
		name string
		env  string
		args []string
	}{
		{"app", "", []string{closed.ref("app"), "--builder", builder}},
		{"app with a password", login, []string{closed.ref("app"), "--builder", builder}},
		{"builder", login, []string{open.ref("app"), "--builder", closedBuilder}},
		{"run image", login, []string{open.ref("app"), "--builder", builder, "--run-image", closed.ref("samples/tiny-run")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			refusal{env: []string{test.env}, args: append(test.args, "--path", app.dir, "--publish"), code: 1, says: says}.check(t, open, closed)
		})
	}
}

// TestRegistryUnverifiedAllowed uses such a registry all the same, or does
// without it.
func TestRegistryUnverifiedAllowed(t *testing.T) {
	t.Parallel()
	open := newRegistry(t, testregistry.Options{})
	builder := open.tiny(t, nil)
	closed := newRegistry(t, testregistry.Options{TLS: true, Auth: testregistry.Basic, Users: []testregistry.User{{Name: "bob", Password: "bob-secret"}}})
	closedBuilder := closed.tiny(t, nil)
	app := newApp(t, nil, nil)
	login := registryAuth(t, closed.Addr, "bob", "bob-secret")
	t.Run("cache", func(t *testing.T) {
		t.Parallel()
		unusedCache{
			ref: closed.ref("cache"), env: []string{login},
			reason: "certificate signed by unknown authority", hint: "add the certificate authority of " + closed.Addr, code: 1,
		}.check(t, open, builder, app)
	})
	for _, way := range []struct {
		name, env string
		args      []string
	}{
		{"with the authority", "SSL_CERT_FILE=" + closed.CAFile, nil},
		{"insecure", "", []string{"--insecure-registry", closed.Addr}},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{closed.fresh("app"), "--builder", closedBuilder, "--trust-builder", "--path", app.dir, "--cache-image", closed.fresh("cache"), "--publish", "--cache-required"}, way.args...)
			newMachine(t, login, way.env).build(args...)
			_, out := newMachine(t, login, way.env).build(args...)
			out.wantStderr(t, "flags: only-cache: restored", "flags: launch-cache: restored")
		})
	}
}

package acceptance

import (
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPreviousImageElsewhere reuses layers of an image in another registry, with
// a login of its own.
func TestPreviousImageElsewhere(t *testing.T) {
	t.Parallel()
	bob, eve := testregistry.User{Name: "bob", Password: "bob-secret"}, testregistry.User{Name: "eve", Password: "eve-secret"}
	here := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{bob}})
	there := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{eve}})
	builder := here.tiny(t, nil)
	thereBuilder := there.tiny(t, nil)
	app := newApp(t, nil, nil)
	_, out := newMachine(t, registryAuth(t, there.Addr, eve.Name, eve.Password)).build(there.ref("old"), "--path", app.dir, "--builder", thereBuilder, "--trust-builder", "--publish")
	out.wantCode(t, 0)
	m := newMachine(t, registryAuths(t, map[string]testregistry.User{here.Addr: bob, there.Addr: eve}))
	for _, times := range []string{"once", "again"} {
		_, out = m.build(here.ref("app"), "--path", app.dir, "--builder", builder, "--trust-builder", "--publish", "--previous-image", there.ref("old"))
		out.wantCode(t, 0)
		out.wantStderr(t, "Reusing layer 'samples/flags:only-launch'")
		if t.Failed() {
			t.Fatal(times)
		}
	}
	refusal{name: "no login there", code: 4, env: []string{registryAuth(t, here.Addr, bob.Name, bob.Password)},
		args: []string{here.ref("app"), "--path", app.dir, "--builder", builder, "--trust-builder", "--publish", "--previous-image", there.ref("old")},
		says: []string{"credentials for " + there.Addr, "docker login " + there.Addr}}.check(t, here, there)
}

package acceptance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestHints has what users meet most, with every hint that is given for it: hints
// that do not fit send people the wrong way.
func TestHints(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	locked := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{alice}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	const nobody = "127.0.0.1:1"
	const reachable = "check that registry " + nobody + " can be reached from here: its name, the network, and HTTPS_PROXY and NO_PROXY where there is a proxy"
	const mayHide = "check the reference; a private registry may also hide what you may not see"
	build := func(more ...string) []string {
		return append([]string{"build", reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	for _, test := range []struct {
		name  string
		args  []string
		code  int
		says  string
		hints []string
	}{
		{"builder is not there", build("--builder", reg.ref("nope")), 1, "builder " + reg.ref("nope") + " is not there", []string{mayHide}},
		{"builder's registry is not there", build("--builder", nobody+"/b"), 1, "builder " + nobody + "/b cannot be read", []string{reachable}},
		{"builder is private", build("--builder", locked.ref("b")), 4, "the registry refuses to let the builder be read", []string{"there is no credential for " + locked.Addr + ": log in with `docker login " + locked.Addr + "`, or set CNB_REGISTRY_AUTH"}},
		{"not a builder", build("--builder", reg.ref("samples/tiny-run")), 1, "not a builder", []string{"a builder is an image made by `pack builder create` or by a buildpacks project; check the reference"}},
		{"run image is not there", build("--run-image", reg.ref("nope")), 1, "run image " + reg.ref("nope") + " is not there", []string{mayHide}},
		{"run image's registry is not there", build("--run-image", nobody+"/r"), 1, "run image " + nobody + "/r cannot be read", []string{reachable}},
		{"app's registry is not there", append(build()[:1:1], nobody+"/app", "--builder", builder, "--path", app.dir, "--publish"), 1, "registry " + nobody + " cannot be reached", []string{reachable}},
		{"no cache there", []string{"cache", "inspect", reg.ref("nope")}, 1, "there is no cache at " + reg.ref("nope"), []string{"`pack-cache cache list` shows what is there; a registry may also hide what you may not see"}},
		{"not a cache", []string{"cache", "inspect", reg.ref("samples/tiny-run")}, 1, "is not a cache", []string{"a cache needs a name that nothing else has: choose another name"}},
		{"cache is private", []string{"cache", "inspect", locked.ref("c")}, 4, locked.Addr, []string{"there is no credential for " + locked.Addr + ": log in with `docker login " + locked.Addr + "`, or set CNB_REGISTRY_AUTH"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := newMachine(t).run(test.args...)
			out.wantCode(t, test.code)
			out.wantStderr(t, test.says)
			var hints []string
			for line := range strings.Lines(out.stderr) {
				if hint, ok := strings.CutPrefix(line, "HINT: "); ok {
					hints = append(hints, strings.TrimSpace(hint))
				}
			}
			if diff := cmp.Diff(test.hints, hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s\n%s", diff, out.stderr)
			}
		})
	}
}

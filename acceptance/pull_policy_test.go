package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPullPolicy has an old builder and run image in a daemon, and newer ones in
// the registry. Some images are in the daemon alone.
func TestPullPolicy(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder, run := reg.tiny(t, nil), reg.ref("samples/tiny-run")
	app := newApp(t, nil, nil)
	grounds := daemonGrounds(t)
	on := grounds[slices.IndexFunc(grounds, func(g ground) bool { return g.name == "docker" })]
	reg.pushImage(t, reg.ref("one"), buildpackage(t, newExtra("acme/one", "1.0", "")))
	for _, image := range []string{builder, run, reg.ref("one")} {
		on.docker(t, nil, "pull", image)
		on.docker(t, nil, "tag", image, image+":gone") // the registry has no such tag
	}
	old := reg.digest(t, run)
	newer, err := mutate.CreatedAt(reg.image(t, run), v1.Time{Time: time.Unix(1700000000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	reg.pushImage(t, run, newer)
	now := reg.digest(t, run)

	for _, test := range []struct {
		policy, builder, run string
		buildpack            string
		config               string
		code                 int
		digest               string
		says                 string
	}{
		{policy: "", digest: now},
		{policy: "always", run: run + ":gone", code: 1, says: "run image " + run + ":gone is not there"},
		{policy: "always", builder: builder + ":gone", code: 1, says: "builder " + builder + ":gone is not there"},
		{policy: "always", buildpack: reg.ref("one:gone"), code: 1, says: "buildpack " + reg.ref("one:gone") + " is not there"},
		{policy: "if-not-present", digest: old},
		{policy: "if-not-present", buildpack: reg.ref("one:gone"), digest: old},
		{policy: "if-not-present", run: reg.ref("none"), code: 1, says: "run image " + reg.ref("none") + " is not there"},
		{policy: "never", builder: builder + ":gone", run: run + ":gone", digest: old},
		{policy: "never", run: reg.ref("none"), code: 1, says: "run image " + reg.ref("none") + " cannot be had without pulling it"},
		{policy: "never", builder: reg.ref("none"), code: 1, says: "builder " + reg.ref("none") + " cannot be had without pulling it"},
		{policy: "", config: "never", builder: reg.ref("none"), code: 1, says: "cannot be had without pulling it"},
		{policy: "", config: "sometimes", code: 2, says: `config.toml: there is no policy "sometimes"`},
	} {
		name := strings.Join([]string{test.policy, test.config, strings.TrimPrefix(test.builder, reg.Addr), strings.TrimPrefix(test.run, reg.Addr), strings.TrimPrefix(test.buildpack, reg.Addr)}, " ")
		t.Run(name, func(t *testing.T) {
			for _, engine := range []string{"docker", "sandbox"} {
				if engine == "sandbox" && (test.policy != "never" || test.code != 0) {
					continue // what reads the images is the same
				}
				m := on.machine(t)
				m.flags = []string{"--engine", engine}
				if test.config != "" {
					m.write(".pack/config.toml", "pull-policy = \""+test.config+"\"\n", 0o600)
				}
				args := []string{"build", reg.ref("pulled"), "--path", app.dir, "--output", "json", "--builder", builder}
				for flag, value := range map[string]string{"--pull-policy": test.policy, "--builder": test.builder, "--run-image": test.run, "--buildpack": test.buildpack} {
					if value != "" {
						args = append(args, flag, value)
					}
				}
				out := m.run(args...)
				out.wantCode(t, test.code)
				if test.code != 0 {
					out.wantStderr(t, test.says)
					continue
				}
				wantLines(t, out.stdout, `"run_image": "`, "@"+test.digest+`"`)
			}
		})
	}
}

package acceptance

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

const builderLabel = "io.buildpacks.builder.metadata"

// TestBuilderRefused builds with what is no builder, or none that can be used.
func TestBuilderRefused(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	good := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	changed := func(name string, change func(*v1.ConfigFile)) string {
		return reg.change(t, good, reg.ref(name), change)
	}
	labelled := func(name, label string) string {
		return changed(name, func(c *v1.ConfigFile) { c.Config.Labels[builderLabel] = label })
	}
	reg.pushArtifact(t, reg.ref("chart"))
	reg.pushIndex(t, reg.ref("index"), mutate.IndexAddendum{
		Add:        reg.image(t, good),
		Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "riscv64"}},
	})

	const isBuilder = "HINT: a builder is an image made by `pack builder create`"
	for _, test := range []struct {
		name, builder string
		more          []string
		says          []string
	}{
		{"not found", reg.ref("nowhere"), nil, []string{"builder " + reg.ref("nowhere") + " is not there", "HINT: check the reference"}},
		{"tag not found", good + ":nope", nil, []string{"builder " + good + ":nope is not there", "HINT: check the reference"}},
		{"digest not found", good + "@" + someDigest, nil, []string{good + "@" + someDigest + " is not there", "HINT: check the reference"}},
		{"a run image", reg.ref("samples/tiny-run"), nil, []string{reg.ref("samples/tiny-run"), "not a builder", isBuilder}},
		{"a chart", reg.ref("chart"), nil, []string{reg.ref("chart"), "not a builder", isBuilder}},
		{"no label", changed("unlabelled", func(c *v1.ConfigFile) { delete(c.Config.Labels, builderLabel) }), nil,
			[]string{reg.ref("unlabelled"), "label " + builderLabel + " is missing", isBuilder}},
		{"broken label", labelled("broken", "{"), nil, []string{reg.ref("broken"), "label " + builderLabel + " cannot be read", isBuilder}},
		{"no user", changed("no-user", func(c *v1.ConfigFile) { c.Config.Env = nil }), nil, []string{"CNB_USER_ID", isBuilder}},
		{"root", changed("root", func(c *v1.ConfigFile) { c.Config.Env = []string{"CNB_USER_ID=0", "CNB_GROUP_ID=0"} }), nil,
			[]string{"CNB_USER_ID is 0; the lifecycle refuses to build as root", "HINT: make the builder from a build image whose CNB_USER_ID is an ordinary user's"}},
		{"old Platform API", labelled("old", `{"lifecycle":{"apis":{"platform":{"supported":["0.3","0.4"]}}},"images":[{"image":"x"}]}`), nil,
			[]string{reg.ref("old"), "no common Platform API", "speaks 0.3, 0.4", "HINT: use a newer version of the builder"}},
		{"no Platform API", changed("none", func(c *v1.ConfigFile) { c.Config.Labels = map[string]string{builderLabel: "{}"} }), nil, []string{"no common Platform API", "speaks none", "HINT: "}},
		{"other processor", changed("s390x", func(c *v1.ConfigFile) { c.Architecture = "s390x" }), nil,
			[]string{reg.ref("s390x"), "linux/s390x", "HINT: "}},
		{"other operating system", changed("windows", func(c *v1.ConfigFile) { c.OS = "windows" }), nil,
			[]string{reg.ref("windows"), "windows/", "HINT: "}},
		{"index without this processor", reg.ref("index"), nil, []string{reg.ref("index"), "linux/", "HINT: build on a machine that the builder is made for"}},
		{"no run image", labelled("runless", `{"lifecycle":{"apis":{"platform":{"supported":["0.14"]}}}}`), nil,
			[]string{reg.ref("runless"), "names no run image", "HINT: name a readable one with --run-image"}},
		{"run image not found", labelled("lost", `{"lifecycle":{"apis":{"platform":{"supported":["0.14"]}}},"images":[{"image":"`+reg.ref("lost-run")+`"}]}`), nil,
			[]string{reg.ref("lost"), reg.ref("lost-run") + " is not there", "HINT: name a readable one with --run-image"}},
		{"run image of the flag not found", good, []string{"--run-image", reg.ref("lost-run")},
			[]string{"run image " + reg.ref("lost-run") + " is not there", "HINT: check the reference"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{reg.ref("app"), "--builder", test.builder, "--path", app.dir, "--publish"}, test.more...)
			refusal{args: args, code: 1, says: test.says}.check(t, reg)
		})
	}
}

// TestBuilderWithoutLifecycle builds with an image that claims to be a builder
// and has nothing of one.
func TestBuilderWithoutLifecycle(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	good := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	config, err := reg.image(t, good).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	hollow := reg.change(t, reg.ref("samples/tiny-run"), reg.ref("hollow"), func(c *v1.ConfigFile) { c.Config = config.Config })

	args := []string{reg.ref("app"), "--builder", hollow, "--path", app.dir, "--publish"}
	refusal{args: args, code: 1, says: []string{hollow, "/cnb/lifecycle/detector: no such file or directory", "HINT: the builder image lacks it"}}.check(t, reg)
}

// TestBuilderOfRootsGroup builds with a builder whose build user is in root's group,
// as images for OpenShift have it.
func TestBuilderOfRootsGroup(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, func(o *samples.Options) { o.UID, o.GID = 1001, 0 })
	app := newApp(t, nil, nil)
	newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish")
	for _, layer := range reg.layersWith(t, reg.ref("app"), "/workspace") {
		for _, entry := range layer.entries {
			if strings.Contains(entry, "hello.txt") && !strings.Contains(entry, " 1001:0 ") {
				t.Errorf("the source belongs to somebody else: %s", entry)
			}
		}
	}
}

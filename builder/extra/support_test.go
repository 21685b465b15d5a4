package extra

import (
	"testing"

	"github.com/pack-cache/pack-cache/builder"
)

// TestSupport lays buildpacks over a builder that they are not made for. Where
// there are no stacks any more, that is detect's affair.
func TestSupport(t *testing.T) {
	t.Parallel()
	target := builder.Target{OS: "linux", Architecture: "amd64", DistroName: "ubuntu", DistroVersion: "24.04"}
	for _, test := range []struct {
		name, descriptor, stack, mixins, want string
		target                                builder.Target
	}{
		{name: "nothing said"},
		{name: "any stack", descriptor: "[[stacks]]\nid = \"*\"\n"},
		{name: "its stack", descriptor: "[[stacks]]\nid = \"other\"\n[[stacks]]\nid = \"mine\"\n", stack: "mine"},
		{name: "another stack", descriptor: "[[stacks]]\nid = \"other\"\n", stack: "mine", want: "it does not support stack mine, but other"},
		{name: "a builder without a stack", descriptor: "[[stacks]]\nid = \"other\"\n", want: "it is for other, and the builder has no stack"},
		{name: "its mixins", descriptor: "[[stacks]]\nid = \"mine\"\nmixins = [\"a\", \"build:b\", \"run:c\"]\n", stack: "mine", mixins: `["build:b", "a"]`},
		{name: "mixins missing", descriptor: "[[stacks]]\nid = \"*\"\nmixins = [\"b\", \"a\"]\n", stack: "mine", mixins: `["c"]`, want: "it requires mixins that the builder does not have: a, b"},
		{name: "its target", descriptor: "[[targets]]\nos = \"linux\"\narch = \"arm64\"\n[[targets]]\nos = \"linux\"\narch = \"amd64\"\n", target: target},
		{name: "its distribution", descriptor: "[[targets]]\nos = \"linux\"\n[[targets.distros]]\nname = \"ubuntu\"\nversion = \"24.04\"\n", target: target},
		{name: "another processor", descriptor: "[[targets]]\nos = \"linux\"\narch = \"arm64\"\n", target: target, want: "it is for linux/arm64, the builder for linux/amd64 ubuntu 24.04"},
		{name: "another distribution", descriptor: "[[targets]]\nos = \"linux\"\n[[targets.distros]]\nname = \"ubuntu\"\nversion = \"22.04\"\n", target: target, want: "it is for linux ubuntu 22.04, the builder"},
		{name: "a builder of no known distribution", descriptor: "[[targets]]\nos = \"linux\"\n[[targets.distros]]\nname = \"ubuntu\"\nversion = \"22.04\"\n", target: builder.Target{OS: "linux"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := fakeBuilder(t, func(labels map[string]string) {
				labels["io.buildpacks.stack.id"] = test.stack
				labels["io.buildpacks.stack.mixins"] = test.mixins
			})
			b.Target, b.PlatformAPIs = test.target, []string{"0.11"}
			dir := writeFiles(t, map[string]string{"buildpack.toml": descriptorOf("acme/x@1") + test.descriptor, "bin/build": ""})
			_, err := resolve(t, b, Request{Buildpacks: sources(dir)}, nil)
			if test.want != "" {
				wantError(t, err, "buildpack acme/x@1: "+test.want)
			} else if err != nil {
				t.Error(err)
			}
			b.PlatformAPIs = []string{"0.12"}
			if _, err := resolve(t, b, Request{Buildpacks: sources(dir)}, nil); err != nil {
				t.Errorf("without stacks: %v", err)
			}
		})
	}
}

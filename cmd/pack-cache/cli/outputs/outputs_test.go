package outputs_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/outputs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

func TestFlag(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs("x")
	if err != nil {
		t.Fatal(err)
	}
	given := func(to platform.Destination, path, name string) outputs.Given {
		return outputs.Given{Output: platform.Output{To: to, Path: path}, Name: name}
	}
	for _, test := range []struct {
		name    string
		image   string
		publish bool
		outputs []string
		json    bool
		want    outputs.Given
		refused string // what the refusal says
	}{
		{name: "nothing", image: "app", want: given(platform.ToDaemon, "", "app")},
		{name: "publish", image: "app", publish: true, want: given(platform.ToRegistry, "", "app")},
		{name: "form of the result", image: "app", outputs: []string{"json"}, json: true, want: given(platform.ToDaemon, "", "app")},
		{name: "the last form counts", image: "app", outputs: []string{"json", "text"}, want: given(platform.ToDaemon, "", "app")},
		{name: "both", image: "app", outputs: []string{"type=registry", "json"}, json: true, want: given(platform.ToRegistry, "", "app")},
		{name: "registry twice said", image: "app", publish: true, outputs: []string{"type=registry"}, want: given(platform.ToRegistry, "", "app")},
		{name: "image", image: "app", outputs: []string{"type=image"}, want: given(platform.ToDaemon, "", "app")},
		{name: "image with a name", image: "app", outputs: []string{"type=image,name=other,push=true"}, want: given(platform.ToRegistry, "", "other")},
		{name: "image that is not pushed", image: "app", outputs: []string{"type=image,push=false"}, want: given(platform.ToDaemon, "", "app")},
		{name: "docker", image: "app", outputs: []string{"type=docker"}, want: given(platform.ToDaemon, "", "app")},
		{name: "docker file", image: "app", outputs: []string{"type=docker,dest=x"}, want: given(platform.ToDockerFile, here, "app")},
		{name: "oci file", image: "app", outputs: []string{"type=oci,dest=x"}, want: given(platform.ToLayoutFile, here, "app")},
		{name: "oci directory", image: "app", outputs: []string{"TYPE=oci,DEST=x,tar=false,name=other"}, want: given(platform.ToLayout, here, "other")},
		{name: "directory as in pack", image: "oci:x", want: given(platform.ToLayout, here, "")},
		{name: "directory with JSON", image: "oci:x", outputs: []string{"json"}, json: true, want: given(platform.ToLayout, here, "")},

		{name: "unknown word", image: "app", outputs: []string{"jsno"}, refused: `there is no "jsno"`},
		{name: "unknown type", image: "app", outputs: []string{"type=local,dest=x"}, refused: `there is no "local"`},
		{name: "no type", image: "app", outputs: []string{"dest=x"}, refused: "attribute type is missing"},
		{name: "no such attribute", image: "app", outputs: []string{"type=image,pusch=true"}, refused: "type=image: unknown attribute"},
		{name: "no bool", image: "app", outputs: []string{"type=image,push=maybe"}, refused: `"maybe" is not true or false`},
		{name: "no destination", image: "app", outputs: []string{"type=oci"}, refused: "attribute dest is missing"},
		{name: "standard output", image: "app", outputs: []string{"type=oci,dest=-"}, refused: "standard output"},
		{name: "two places", image: "app", outputs: []string{"type=docker", "type=registry"}, refused: "more than once"},
		{name: "publish a file", image: "app", publish: true, outputs: []string{"type=docker,dest=x"}, refused: "contradict each other"},
		{name: "publish what is not pushed", image: "app", publish: true, outputs: []string{"type=image,push=false"}, refused: "contradict each other"},
		{name: "publish a directory", image: "oci:x", publish: true, refused: "--publish cannot publish"},
		{name: "a directory and another place", image: "oci:x", outputs: []string{"type=docker"}, refused: "is another place"},
		{name: "no directory", image: "oci:", refused: "does not name a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var flag outputs.Flag
			for _, value := range test.outputs {
				if err := flag.Set(value); err != nil {
					t.Fatal(err)
				}
			}
			got, err := flag.Complete(test.image, test.publish)
			if test.refused != "" {
				usage, ok := errors.AsType[*hint.UsageError](err)
				if !ok || !strings.Contains(usage.Error(), test.refused) || usage.Hint() == "" {
					t.Errorf("got %v, want a usage error with a hint that says %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if flag.JSON != test.json {
				t.Errorf("JSON: %v", flag.JSON)
			}
		})
	}
}

// TestHelp shows every attribute.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"type=image:", "type=registry:", "type=oci:", "type=docker:", "push=bool", "dest=PATH", "tar=bool", "name=IMAGE"} {
		if !strings.Contains(outputs.Help(), want) {
			t.Errorf("the help lacks %s", want)
		}
	}
}

package builder

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// FuzzLabels reads a builder whose labels are an enemy's.
func FuzzLabels(f *testing.F) {
	f.Add(`{"buildpacks":[{"id":"a","version":"1"}],"lifecycle":{"version":"0.21.0","apis":{"platform":{"supported":["0.14"]}}},"stack":{"runImage":{"image":"r"}}}`,
		`[{"group":[{"id":"a","version":"1","optional":true}]}]`, `{"a":{"1":{"api":"0.10","layerDiffID":"sha256:x","order":[{"group":[]}]}}}`)
	f.Add(`null`, `null`, `null`)
	f.Add(strings.Repeat("[", 5000), `[[]]`, `{"":{"":{}}}`)
	f.Add(`{"lifecycle":{"apis":{"platform":{"supported":["x","0.999999999999999999999"]}}}}`, `[]`, `{}`)
	f.Fuzz(func(t *testing.T, metadata, order, modules string) {
		img, err := mutate.Config(empty.Image, v1.Config{User: "0:0", Env: []string{"CNB_USER_ID=1000", "CNB_GROUP_ID=1000"}, Labels: map[string]string{
			"io.buildpacks.builder.metadata": metadata, "io.buildpacks.buildpack.order": order, "io.buildpacks.buildpack.layers": modules,
		}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Inspect(img)
		if err != nil {
			if err.Error() == "" {
				t.Error("no words")
			}
			return
		}
		_, _ = b.Modules()
	})
}

package builder_test

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/builder"
)

// An image says in its labels and environment what kind of builder it is.
func ExampleInspect() {
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "arm64",
		Config: v1.Config{
			Env: []string{"CNB_USER_ID=1001", "CNB_GROUP_ID=1000"},
			Labels: map[string]string{"io.buildpacks.builder.metadata": `{
				"buildpacks": [{"id": "acme/java", "version": "1.2"}],
				"images": [{"image": "registry.example.com/acme/run"}],
				"lifecycle": {"version": "0.21.14", "apis": {"platform": {"supported": ["0.14"]}}}}`},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := builder.Inspect(img)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("build user:", b.UID, b.GID)
	fmt.Println("target:", b.Target.OS, b.Target.Architecture)
	fmt.Println("Platform APIs:", b.PlatformAPIs)
	for _, bp := range b.Buildpacks {
		fmt.Println("buildpack:", bp.ID, bp.Version)
	}
	// Output:
	// build user: 1001 1000
	// target: linux arm64
	// Platform APIs: [0.14]
	// buildpack: acme/java 1.2
}

// An image that says nothing of a builder is refused.
func ExampleInspect_notABuilder() {
	_, err := builder.Inspect(empty.Image)
	fmt.Println(err)
	// Output: not a builder: the image sets no CNB_USER_ID
}

package platform_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/platform/config"
)

// A build needs an engine, the user's credentials and what to build. It is
// cancelled with its context.
func ExamplePlatform_Build() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := &platform.Platform{
		Engines:  []lifecycle.Engine{docker.New(docker.Config{})},
		Config:   &config.File{},
		Keychain: authn.DefaultKeychain,
		Environ:  os.Environ(),
		Progress: progress.Discard,
	}
	result, err := p.Build(ctx, platform.Options{
		Image:   "registry.example.com/team/app",
		Builder: "registry.example.com/team/builder",
		AppDir:  ".",
		Output:  platform.Output{To: platform.ToRegistry},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Image)
}

// An error names what was written and where.
func ExampleCheckReference() {
	fmt.Println(platform.CheckReference("--builder", "registry.example.com/acme/builder:1"))
	fmt.Println(platform.CheckReference("--builder", "https://registry.example.com/acme/builder"))
	// Output:
	// <nil>
	// --builder "https://registry.example.com/acme/builder" is not an image reference: it begins with https://
}

// Command descriptor prints the lifecycle.toml of the lifecycle that this
// module pins: its version, which is the only argument, and the API versions
// that it speaks.
package main

import (
	"fmt"
	"os"

	"github.com/buildpacks/lifecycle/api"
	"github.com/buildpacks/lifecycle/buildpack"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: descriptor VERSION")
		os.Exit(2)
	}
	fmt.Printf(`[apis]
[apis.buildpack]
deprecated = %s
supported = %s
[apis.platform]
deprecated = %s
supported = %s

[api]
platform = %q
buildpack = %q

[lifecycle]
version = %q
sbom-formats = [%q, %q, %q]
`, api.Buildpack.Deprecated, api.Buildpack.Supported, api.Platform.Deprecated, api.Platform.Supported,
		api.Platform.Supported[0].String(), api.Buildpack.Supported[0].String(), os.Args[1],
		buildpack.MediaTypeCycloneDX, buildpack.MediaTypeSPDX, buildpack.MediaTypeSyft)
}

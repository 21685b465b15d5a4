// Command jvm is a buildpack for Java as Paketo has several, one for each vendor:
// all that it does is in their library libjvm.
package main

import (
	"os"

	"github.com/paketo-buildpacks/libjvm"
	"github.com/paketo-buildpacks/libpak"
	"github.com/paketo-buildpacks/libpak/bard"
)

func main() {
	libpak.Main(libjvm.Detect{}, libjvm.NewBuild(bard.NewLogger(os.Stdout)))
}

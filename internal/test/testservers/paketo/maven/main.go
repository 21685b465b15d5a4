// Command maven is a buildpack as Paketo's for Maven, Gradle and other build
// systems are: all of them are on their library libbs, which keeps the repository
// and the application in layers. It is also the programs that it runs: stand-ins
// for Maven and syft.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/buildpacks/libcnb"
	"github.com/paketo-buildpacks/libbs"
	"github.com/paketo-buildpacks/libpak"
	"github.com/paketo-buildpacks/libpak/bard"
	"github.com/paketo-buildpacks/libpak/effect"
	"github.com/paketo-buildpacks/libpak/sbom"
)

func main() {
	run := map[string]func() error{"mvn": mvn, "syft": syft}[filepath.Base(os.Args[0])]
	if run == nil {
		libpak.Main(buildpack{}, buildpack{})
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type buildpack struct{}

// Detect asks for a JDK to build with and a JRE to run on.
func (buildpack) Detect(context libcnb.DetectContext) (libcnb.DetectResult, error) {
	_, err := os.Stat(filepath.Join(context.Application.Path, "pom.xml"))
	return libcnb.DetectResult{Pass: err == nil, Plans: []libcnb.BuildPlan{{Requires: []libcnb.BuildPlanRequire{
		{Name: "jdk"}, {Name: "jre", Metadata: map[string]any{"launch": true}},
	}}}}, nil
}

// Build has libbs build the application, with the repository in a layer that
// ~/.m2 is a link to.
func (buildpack) Build(context libcnb.BuildContext) (libcnb.BuildResult, error) {
	result, logger := libcnb.NewBuildResult(), bard.NewLogger(os.Stdout)
	logger.Title(context.Buildpack)
	configuration, err := libpak.NewConfigurationResolver(context.Buildpack, &logger)
	if err != nil {
		return result, err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return result, err
	}
	if err := os.Setenv("PATH", filepath.Join(context.Buildpack.Path, "bin")+":"+os.Getenv("PATH")); err != nil {
		return result, err
	}
	repository := libbs.Cache{Path: filepath.Join(home, ".m2"), Logger: logger}
	artifacts := libbs.ArtifactResolver{
		ArtifactConfigurationKey: "BP_MAVEN_BUILT_ARTIFACT", ConfigurationResolver: configuration,
		ModuleConfigurationKey: "BP_MAVEN_BUILT_MODULE", InterestingFileDetector: libbs.AlwaysInterestingFileDetector{},
	}
	application, err := libbs.NewApplicationFactory().NewApplication(map[string]any{}, []string{"package"}, artifacts, repository, "mvn",
		result.BOM, context.Application.Path, sbom.NewSyftCLISBOMScanner(context.Layers, effect.NewExecutor(), logger))
	if err != nil {
		return result, err
	}
	application.Logger = logger
	result.Layers = []libcnb.LayerContributor{repository, application}
	result.Processes = []libcnb.Process{{Type: "web", Command: "java", Arguments: []string{"Main.class"}, Direct: true, Default: true}}
	return result, nil
}

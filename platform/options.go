package platform

import (
	"time"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Options is what the user asks of a build. References are as the user wrote
// them.
type Options struct {
	Image string
	Tags  []string
	// Builder is the builder, "" for that of the project descriptor or of
	// config.toml.
	Builder       string
	RunImage      string
	PreviousImage string
	// AppDir is the directory with the application's source.
	AppDir string
	// Descriptor is the path of the project descriptor, "" for project.toml in
	// AppDir if there is one.
	Descriptor string
	// Env is the environment for the buildpacks, by name. It goes before that of
	// the project descriptor.
	Env map[string]string

	// Buildpacks are built with instead of the builder's order, PreBuildpacks and
	// PostBuildpacks before and after each of its groups. Each of them goes
	// before what the project descriptor says of the same kind. See
	// extra.Source for what they can be.
	Buildpacks, PreBuildpacks, PostBuildpacks []string
	// TrustExtraBuildpacks trusts buildpacks from outside the builder.
	TrustExtraBuildpacks bool

	Publish        bool
	DefaultProcess string
	Created        *time.Time

	// Imports are where a cache is looked for, in the order of preference;
	// Exports are where it is saved. The paths in them are absolute.
	Imports []phases.Import
	Exports []phases.Export
	// CacheRequired makes a cache that cannot be read or saved a failure.
	CacheRequired bool
	// ClearCache restores nothing and overwrites what the exports hold.
	ClearCache bool

	TrustBuilder bool
	Network      lifecycle.Network
	// Insecure are registry hosts to be reached without verified TLS.
	Insecure []string
	// Engine is the name of the engine, "" or "auto" for the first that works.
	Engine  string
	Verbose bool
	NoColor bool
}

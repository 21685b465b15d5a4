package platform

import (
	"time"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform/named"
)

// Options is what the user asks of a build. References are as the user wrote
// them.
type Options struct {
	// Image is the app image. It has no name if Output is a directory; it has
	// none either if there will be none.
	Image string
	Tags  []string
	// Builder is the builder, "" for that of the project descriptor or of
	// config.toml.
	Builder       string
	RunImage      string
	PreviousImage string
	// AppDir is the directory with the application's source, or a zip file of
	// it.
	AppDir string
	// Workspace is where the build sees the source, "" for /workspace.
	Workspace string
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
	// Extensions are the image extensions to detect with instead of the
	// builder's, each of what a buildpack can be.
	Extensions []string
	// DisableSystemBuildpacks leaves out the builder's system buildpacks.
	DisableSystemBuildpacks bool
	// TrustExtraBuildpacks trusts buildpacks from outside the builder.
	TrustExtraBuildpacks bool

	Output Output
	// PullPolicy is always, if-not-present or never, "" for that of config.toml.
	PullPolicy     string
	DefaultProcess string
	Created        *time.Time
	// UID and GID are whom the files in the app image's layers belong to, nil
	// for the builder's build user.
	UID, GID *int
	// Platform is what the images are for, as OS[/ARCHITECTURE[/VARIANT]]; "" is
	// this machine.
	Platform string
	// ExecEnv is the execution environment of the app image, "" for production.
	ExecEnv string
	// SBOMDir and ReportDir are where to copy the SBOM and report.toml, "" for
	// nowhere.
	SBOMDir, ReportDir string

	// Imports are where a cache is looked for, in the order of preference;
	// Exports are where it is saved. The paths in them are absolute.
	Imports []kinds.Import
	Exports []kinds.Export
	// ImageCache is a named cache to look in, too, nil for none. With
	// UpdateImageCache it is saved to as well.
	ImageCache       *named.Cache
	UpdateImageCache bool
	// CacheRequired makes a cache that cannot be read or saved a failure.
	CacheRequired bool
	// ClearCache restores nothing and overwrites what the exports hold.
	ClearCache bool

	TrustBuilder bool
	Network      lifecycle.Network
	// Volumes are mounted in detect and build: paths of the machine that phases
	// run on, and volumes of a daemon.
	Volumes []lifecycle.Mount
	// DockerHost is the daemon that phases run on, "" and "inherit" for that of
	// DOCKER_HOST.
	DockerHost string
	// UsernsHost has a daemon leave out the user namespaces it is set up for.
	UsernsHost bool
	// Insecure are registry hosts to be reached without verified TLS.
	Insecure []string
	// Rule says how long requests may wait without which there is no build; what
	// it leaves open is as in web.Patient. Imports and Exports have their own.
	Rule web.Rule
	// Engine is the name of the engine, "" or "auto" for the first that works.
	Engine string
	// OnDisk keeps the build's files out of memory, also where there is plenty.
	OnDisk  bool
	Verbose bool
	NoColor bool
}

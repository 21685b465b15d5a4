package lifecycle

import (
	"slices"
	"strings"
)

// Volumes of a place, in the order in which plans use them.
const (
	// VolumeLayers is the layers directory, where all phases meet.
	VolumeLayers = "layers"
	// VolumeApp holds the application's source.
	VolumeApp = "app"
	// VolumePlatform holds what the platform tells buildpacks, such as env/.
	VolumePlatform = "platform"
	// VolumeState holds what own phases tell each other. No phase of the
	// builder ever sees it.
	VolumeState = "state"
	// VolumeHomeDetect and VolumeHomeBuild are fresh home directories.
	VolumeHomeDetect = "home-detect"
	VolumeHomeBuild  = "home-build"
)

// Volumes lists all volumes that the phases of a plan mount.
func Volumes() []string {
	return []string{VolumeLayers, VolumeApp, VolumePlatform, VolumeState, VolumeHomeDetect, VolumeHomeBuild}
}

// Paths inside a phase's root (CNB Platform specification, "Operations").
const (
	LayersDir   = "/layers"
	AppDir      = "/workspace"
	PlatformDir = "/platform"
	StateDir    = "/state"
	HomeDir     = "/home/cnb"
	CNBDir      = "/cnb"
)

// PlanInput is what decides how the phases of one build look.
type PlanInput struct {
	// PlatformAPI is the version that builder and pack-cache both speak.
	PlatformAPI string
	User        User
	// BuilderEnv is the environment of the builder image's config.
	BuilderEnv []string
	// OwnEnv is the environment of the phases that pack-cache runs itself:
	// proxies and the names of certificate files, never a secret.
	OwnEnv []string
	// Network is what detect and build see. Own phases use the host's.
	Network Network
	// Paths are those of an engine that cannot choose them.
	Paths    Paths
	LogLevel string
	NoColor  bool
}

// Plan is the phases of a build, each by its name.
type Plan map[Name]Phase

// NewPlan lays out the phases of a build. Detect and build are the builder's
// own detector and builder executables; the others run pack-cache itself.
func NewPlan(in PlanInput) Plan {
	in.Paths = in.Paths.OrUsual()
	return Plan{
		Analyze: in.own(Analyze),
		Detect:  in.builders(Detect, "/cnb/lifecycle/detector", Mount{Volume: VolumeHomeDetect, Target: in.Paths.HomeDetect}),
		Restore: in.own(Restore),
		Build:   in.builders(Build, "/cnb/lifecycle/builder", Mount{Volume: VolumeHomeBuild, Target: in.Paths.HomeBuild}),
		Export: in.own(Export,
			// The launcher and its SBOMs, and what builders say of run images. The
			// buildpacks, which can be large, stay out.
			Mount{Builder: "/cnb/lifecycle", Target: "/cnb/lifecycle", ReadOnly: true},
			Mount{Builder: "/cnb/run.toml", Target: "/cnb/run.toml", ReadOnly: true, Optional: true},
			Mount{Builder: "/cnb/stack.toml", Target: "/cnb/stack.toml", ReadOnly: true, Optional: true}),
	}
}

func (in PlanInput) builders(name Name, executable string, home Mount) Phase {
	args := []string{executable, "-app", in.Paths.App, "-layers", in.Paths.Layers, "-platform", in.Paths.Platform}
	if in.LogLevel != "" {
		args = append(args, "-log-level", in.LogLevel)
	}
	if in.NoColor {
		args = append(args, "-no-color")
	}
	return Phase{
		Name: name,
		Root: BuilderRoot,
		User: in.User,
		Args: args,
		Env:  withEnv(in.BuilderEnv, "CNB_PLATFORM_API="+in.PlatformAPI, "HOME="+home.Target),
		Dir:  in.Paths.App,
		Mounts: []Mount{
			{Volume: VolumeLayers, Target: in.Paths.Layers},
			{Volume: VolumeApp, Target: in.Paths.App},
			{Volume: VolumePlatform, Target: in.Paths.Platform, ReadOnly: true},
			home,
		},
		Network: in.Network,
	}
}

func (in PlanInput) own(name Name, more ...Mount) Phase {
	return Phase{
		Name: name,
		Root: OwnRoot,
		User: in.User,
		Args: []string{"phase", string(name)},
		Env:  withEnv(in.OwnEnv, "HOME="+in.Paths.State),
		Dir:  "/",
		Mounts: append([]Mount{
			{Volume: VolumeLayers, Target: in.Paths.Layers},
			{Volume: VolumeApp, Target: in.Paths.App, ReadOnly: true},
			{Volume: VolumeState, Target: in.Paths.State},
		}, more...),
		Network: NetworkHost,
	}
}

// withEnv returns env with the given entries set, each replacing an older one.
func withEnv(env []string, entries ...string) []string {
	out := slices.Clone(env)
	for _, entry := range entries {
		key, _, _ := strings.Cut(entry, "=")
		out = slices.DeleteFunc(out, func(old string) bool { return strings.HasPrefix(old, key+"=") })
		out = append(out, entry)
	}
	return out
}

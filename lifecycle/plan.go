package lifecycle

import (
	"path"
	"slices"
	"strings"

	"github.com/buildpacks/lifecycle/api"
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

// VolumesForMemory are those that an engine may keep in memory. The source is not
// among them: file systems list directories in different orders, and builds that
// depend on that should not find another one in every other build.
func VolumesForMemory() []string {
	return []string{VolumeLayers, VolumeState, VolumeHomeDetect, VolumeHomeBuild}
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

// StageDir is a directory in VolumeLayers in which layers grow while the builder's
// detector runs. It is there if restore can be started that early, and gone when
// restore has ended.
const StageDir = ".pack-cache"

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
	// ExecEnv is the execution environment that the app image is for, "" for
	// production (Platform API 0.15).
	ExecEnv string
	// NoSystem leaves out the builder's system buildpacks (Platform API 0.15).
	NoSystem bool
	// Mounts are what the user has mounted in detect and build.
	Mounts []Mount
	// Network is what detect and build see. Own phases use the host's.
	Network Network
	// Paths are those that the user or an engine wants to be other than usual.
	Paths Paths
	// Early says that restore may be running beside detect.
	Early    bool
	LogLevel string
	NoColor  bool
}

// Plan is the phases of a build, each by its name.
type Plan map[Name]Phase

// NewPlan lays out the phases of a build. Detect and build are the builder's
// own detector and builder executables; the others run pack-cache itself.
func NewPlan(in PlanInput) Plan {
	in.Paths = in.Paths.OrUsual()
	detect := in.builders(Detect, "/cnb/lifecycle/detector", Mount{Volume: VolumeHomeDetect, Target: in.Paths.HomeDetect})
	if in.NoSystem && in.speaks("0.15") {
		detect.Args = append(detect.Args, "-system", path.Join(in.Paths.Platform, noSystem))
	}
	if in.Early {
		detect.Hidden = path.Join(in.Paths.Layers, StageDir)
	}
	if in.speaks("0.10") && !in.speaks("0.13") {
		// What image extensions were called until then; older lifecycles fail.
		detect.Env = withEnv(detect.Env, "CNB_EXPERIMENTAL_MODE=warn")
	}
	return Plan{
		Analyze: in.own(Analyze),
		Detect:  detect,
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

// noSystem is a file of the platform directory that is not there, which is no
// system buildpacks for the lifecycle.
const noSystem = "no-system.toml"

// speaks reports whether the Platform API is at least version.
func (in PlanInput) speaks(version string) bool {
	v, err := api.NewVersion(in.PlatformAPI)
	return err == nil && v.AtLeast(version)
}

func (in PlanInput) builders(name Name, executable string, home Mount) Phase {
	args := []string{executable, "-app", in.Paths.App, "-layers", in.Paths.Layers, "-platform", in.Paths.Platform}
	if in.LogLevel != "" {
		args = append(args, "-log-level", in.LogLevel)
	}
	if in.NoColor {
		args = append(args, "-no-color")
	}
	env := []string{"CNB_PLATFORM_API=" + in.PlatformAPI, "HOME=" + home.Target}
	if in.ExecEnv != "" && in.speaks("0.15") {
		env = append(env, "CNB_EXEC_ENV="+in.ExecEnv)
	}
	return Phase{
		Name: name,
		Root: BuilderRoot,
		User: in.User,
		Args: args,
		Env:  withEnv(in.BuilderEnv, env...),
		Dir:  in.Paths.App,
		Mounts: append([]Mount{
			{Volume: VolumeLayers, Target: in.Paths.Layers},
			{Volume: VolumeApp, Target: in.Paths.App},
			{Volume: VolumePlatform, Target: in.Paths.Platform, ReadOnly: true},
			home,
		}, in.Mounts...),
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

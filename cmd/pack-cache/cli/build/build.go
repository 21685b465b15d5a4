// Package build has the commands `pack-cache build` and `pack-cache prime`, which is
// a build for the cache alone.
package build

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/caches"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/outputs"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform"
)

// Options are the flags and arguments of the command.
type Options struct {
	*global.Flags
	platform.Options

	caches caches.Flags
	named  caches.NamedFlags
	// imageCache is the name of a cache.
	imageCache string
	env        []string
	envFiles   []string
	volumes    []string
	network    string
	uid, gid   int
	created    string
	publish    bool
	output     outputs.Flag
	others     others
}

// NewCmdBuild returns the command. run is what it runs, nil for the real thing.
func NewCmdBuild(g *global.Flags, run func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{Flags: g}
	cmd := &cobra.Command{
		Use:   "build IMAGE",
		Short: "Build an app image with Cloud Native Buildpacks, and keep the cache",
		Long: `Build an app image from source with Cloud Native Buildpacks.

Cached layers of the buildpacks are restored from where the last build left
them, and saved there afterwards. A cache that cannot be read or saved never
breaks a build, unless --cache-required is given.

` + outputs.Help() + "\n\n" + kinds.Help(),
		Example: `  pack-cache build registry.example.com/team/app --builder paketobuildpacks/builder-jammy-base \
      --cache-image registry.example.com/team/app-cache --publish`,
		Args: exit.Args(1, 1, "image", "name the image to build, as in `pack-cache build REGISTRY/app`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Image = args[0]
			if err := opts.complete(cmd.Context(), cmd.Flags()); err != nil {
				return err
			}
			if run != nil {
				return run(cmd.Context(), opts)
			}
			return runBuild(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	addRefused(cmd.Flags())
	return cmd
}

func (o *Options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&o.Builder, "builder", "B", "", "builder image (default: that of project.toml, else default-builder-image of config.toml)")
	f.StringVarP(&o.AppDir, "path", "p", ".", "directory with the application's source, or a zip, jar or war file of it")
	f.StringVarP(&o.Descriptor, "descriptor", "d", "", "project descriptor (default: project.toml in the source, if it is there)")
	f.StringSliceVarP(&o.Buildpacks, "buildpack", "b", nil, "build with this instead of the builder's order: ID[@VERSION] of the builder, from=builder for its whole order, a directory, a .tgz or .cnb file or its URL, or a buildpackage as docker://REF or REF (repeatable, or with commas)")
	f.StringArrayVar(&o.PreBuildpacks, "pre-buildpack", nil, "buildpack to put before all groups of the builder's order, and before the --pre-buildpack named before (repeatable)")
	f.StringArrayVar(&o.PostBuildpacks, "post-buildpack", nil, "buildpack to put after all groups of the builder's order (repeatable)")
	f.StringSliceVar(&o.Extensions, "extension", nil, "detect with this image extension instead of the builder's: what --buildpack takes, except from=builder (repeatable, or with commas)")
	f.BoolVar(&o.DisableSystemBuildpacks, "disable-system-buildpacks", false, "leave out the system buildpacks of the builder")
	f.BoolVar(&o.TrustExtraBuildpacks, "trust-extra-buildpacks", false, "trust buildpacks that are not from the builder, too")
	f.BoolVar(&o.publish, "publish", false, "publish the app image to its registry instead of leaving it in a docker daemon")
	o.caches.Add(f)
	f.StringVar(&o.imageCache, "image-cache", "", "look in the cache of this `name` in pack-cache.toml, too; pack-cache prime fills it")
	f.BoolVar(&o.UpdateImageCache, "update-image-cache", false, "save to the cache of --image-cache afterwards")
	o.named.Add(f)
	f.BoolVar(&o.OnDisk, "on-disk", false, "keep the build's files on disk; otherwise the sandbox keeps them in memory (/dev/shm) if there is plenty for what the cache holds")
	f.BoolVar(&o.CacheRequired, "cache-required", false, "fail when the cache cannot be read (exit code 1) or saved (exit code 3)")
	f.BoolVar(&o.ClearCache, "clear-cache", false, "restore nothing, and overwrite the cache afterwards")
	f.BoolVar(&o.TrustBuilder, "trust-builder", false, "trust the builder for this build")
	f.StringArrayVarP(&o.env, "env", "e", nil, "environment of the buildpacks, as KEY=VALUE, or KEY for the value it has here (repeatable)")
	f.StringArrayVar(&o.envFiles, "env-file", nil, "file of variables, KEY=VALUE or KEY a line (repeatable)")
	f.StringVar(&o.network, "network", string(lifecycle.NetworkHost), "network of the buildpacks: host or none; with the docker engine also the name of a network there, or container:NAME")
	f.StringArrayVar(&o.volumes, "volume", nil, "mount in detect and build, as /HOST/PATH:/TARGET[:ro|rw], or with the docker engine VOLUME:/TARGET[:ro|rw] (default: ro; repeatable)")
	f.StringVar(&o.Workspace, "workspace", "", "directory in which the build sees the source (default: workspace, that is /workspace)")
	f.IntVar(&o.uid, "uid", 0, "user id that owns the files in the app image's layers (default: the builder's build user)")
	f.IntVar(&o.gid, "gid", 0, "group id that owns the files in the app image's layers (default: the builder's build user's)")
	f.StringVar(&o.Options.Platform, "platform", "", "platform of the images, as linux/ARCHITECTURE[/VARIANT] (default: this machine's)")
	f.StringVar(&o.ExecEnv, "exec-env", "production", "execution environment that the app image is for")
	f.StringVar(&o.SBOMDir, "sbom-output-dir", "", "directory to copy the SBOM to (default: nowhere)")
	f.StringVar(&o.ReportDir, "report-output-dir", "", "directory to copy report.toml to (default: nowhere)")
	f.StringVar(&o.DockerHost, "docker-host", "", "run the phases on the docker daemon at this address; inherit is that of DOCKER_HOST (default: DOCKER_HOST, else the usual socket)")
	f.BoolVar(&o.UsernsHost, "userns-host", false, "run containers in the user namespace of the daemon's machine")
	f.StringVar(&o.RunImage, "run-image", "", "run image (default: what the builder names)")
	f.StringVar(&o.PreviousImage, "previous-image", "", "image whose layers may be reused (default: IMAGE)")
	f.StringSliceVarP(&o.Tags, "tag", "t", nil, "give the image this name, too (repeatable, or with commas)")
	f.StringVarP(&o.DefaultProcess, "default-process", "D", "", "process that the app image starts")
	f.StringVar(&o.created, "creation-time", "", "creation time of the app image: seconds since 1970, a time as in RFC 3339, or now (default: 1980-01-01T00:00:01Z)")
	f.DurationVar(&o.Rule.Idle, "idle-timeout", web.PatientIdle, "how long a request for a builder, an image or a buildpack may stand still; caches have attributes of that name")
	f.DurationVar(&o.Rule.Wait, "max-wait", web.PatientWait, "how long such requests may wait together, for standstill, pauses and repeats; caches have attributes of that name")
	f.StringArrayVar(&o.Insecure, "insecure-registry", nil, "registry host to reach without verified TLS (repeatable)")
	f.VarP(&o.output, "output", "o", "text or json: form of the result on standard output, by default text, what stands for the image; or where the image goes: type=TYPE,ATTRIBUTES as above")
	f.StringVar(&o.PullPolicy, "pull-policy", "", "when to ask registries for images that a docker daemon has: always, if-not-present or never (default: pull-policy of config.toml, else always)")
	f.StringVar(&o.Engine, "engine", "auto", engineHelp(o.Flags.Engines))
	o.addOthers(f)
	o.addCompletions(cmd)
}

func runBuild(ctx context.Context, opts *Options) error {
	p, err := opts.Flags.Platform()
	if err != nil {
		return err
	}
	opts.warn(p)
	result, err := p.Build(ctx, opts.Options)
	if result == nil {
		return err
	}
	if !opts.Quiet {
		summarise(opts.Streams.Err, result)
	}
	if printErr := opts.print(result); printErr != nil {
		return printErr
	}
	return err
}

// warn tells what was asked for in vain.
func (o *Options) warn(p *platform.Platform) {
	if o.caches.Warning != "" {
		p.Progress.Warn(o.caches.Warning)
	}
}

// print writes the result, and nothing else, to standard output.
func (o *Options) print(result *platform.Result) error {
	if o.output.JSON {
		encoder := json.NewEncoder(o.Streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	_, err := fmt.Fprintln(o.Streams.Out, result.Image)
	return err
}

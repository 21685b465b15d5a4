package build

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/internal/envfile"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform"
)

// complete turns flags into platform.Options and refuses what makes no sense.
func (o *Options) complete(ctx context.Context, given *pflag.FlagSet) error {
	if err := checkRefused(given); err != nil {
		return err
	}
	if err := o.completeOthers(); err != nil {
		return err
	}
	var err error
	if o.Env, err = environment(ctx, o.envFiles, o.env); err != nil {
		return err
	}
	if o.Created, err = creationTime(o.created); err != nil {
		return err
	}
	o.Network = lifecycle.Network(cmp.Or(o.network, string(lifecycle.NetworkHost)))
	if o.Volumes, err = volumes(o.volumes); err != nil {
		return err
	}
	if o.UID, err = id(given, "uid", o.uid); err != nil {
		return err
	}
	if o.GID, err = id(given, "gid", o.gid); err != nil {
		return err
	}
	if o.ExecEnv != "" && !execEnv.MatchString(o.ExecEnv) {
		return hint.Usagef("use only letters, digits, . and -", "--exec-env %q cannot be the name of an execution environment", o.ExecEnv)
	}
	to, err := o.output.Complete(o.Image, o.publish)
	if err != nil {
		return err
	}
	if o.Imports, o.Exports, err = o.caches.Parse(o.Image, to.To == platform.ToRegistry); err != nil {
		return err
	}
	o.Image, o.Output = to.Name, to.Output
	if o.imageCache == "" && o.UpdateImageCache {
		return hint.Usagef("name a cache with --image-cache", "--update-image-cache without --image-cache")
	}
	if o.imageCache != "" {
		if o.ImageCache, err = o.named.Find(o.imageCache, o.AppDir, o.Image); err != nil {
			return err
		}
	}
	if o.CacheRequired && len(o.Imports)+len(o.Exports) == 0 && o.ImageCache == nil {
		return hint.Usagef("name a cache with --cache-image", "--cache-required without a cache")
	}
	o.Options.Verbose, o.Options.NoColor = o.Flags.Verbose, o.Flags.NoColor || !o.Streams.Color()
	return nil
}

// execEnv is the grammar of execution environments (CNB Platform API 0.15).
var execEnv = regexp.MustCompile(`^[a-zA-Z0-9.-]+$`)

// id returns the value of --uid or --gid, nil if it was not given.
func id(given *pflag.FlagSet, flag string, value int) (*int, error) {
	switch {
	case !given.Changed(flag):
		return nil, nil
	case value < 0 || value > math.MaxInt32:
		return nil, hint.Usagef("give a number from 0 to 2147483647", "--%s %d is not an id", flag, value)
	}
	return &value, nil
}

// environment merges env files, in their order, and then single variables. A
// bare KEY takes its value from the caller's environment; it is empty when it
// has none there, as in pack.
func environment(ctx context.Context, files, variables []string) (map[string]string, error) {
	env := map[string]string{}
	for _, path := range files {
		content, err := userfile.Read(ctx, path)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		if err != nil {
			return nil, hint.Usagef("check the path", "--env-file %s: %v", path, err)
		}
		read, err := envfile.Parse(string(content))
		if err != nil {
			return nil, hint.Usagef(envfile.Form, "--env-file %s: %v", path, err)
		}
		for _, v := range read {
			if env[v.Name] = v.Value; !v.Given {
				env[v.Name] = os.Getenv(v.Name)
			}
		}
	}
	for _, variable := range variables {
		if err := set(env, variable); err != nil {
			return nil, hint.Usagef(envForm, "--env: %v", err)
		}
	}
	return env, nil
}

const envForm = "write KEY=VALUE, or KEY for the value it has here"

// set enters one variable. The error does not show the value, which may be a
// secret.
func set(env map[string]string, variable string) error {
	key, value, given := strings.Cut(variable, "=")
	if err := envfile.CheckName(key); err != nil {
		return err
	}
	if !given {
		value = os.Getenv(key)
	}
	env[key] = value
	return nil
}

// creationTime reads --creation-time as pack does.
func creationTime(value string) (*time.Time, error) {
	var t time.Time
	switch seconds, err := strconv.ParseInt(value, 10, 64); {
	case value == "":
		return nil, nil
	case value == "now":
		t = time.Now().UTC()
	case err == nil:
		t = time.Unix(seconds, 0).UTC()
	default:
		if t, err = time.Parse(time.RFC3339, value); err != nil {
			return nil, hint.Usagef("give seconds since 1970, a time such as 2026-01-31T12:00:00Z, or now", "--creation-time %q is not a time", value)
		}
	}
	return &t, nil
}

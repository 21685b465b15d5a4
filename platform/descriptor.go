package platform

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/builder/extra"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/project"
)

// production is the execution environment that app images are for by default.
const production = "production"

// readProject reads the project descriptor and fills in what the user did not
// say.
func (p *Platform) readProject(ctx context.Context, r *resolved) error {
	var err error
	r.project, err = project.Find(ctx, r.Descriptor, r.AppDir)
	if failed, ok := errors.AsType[*fs.PathError](err); ok && r.Descriptor != "" {
		return hint.Usagef("check the path", "--descriptor %s: %v", r.Descriptor, failed.Err)
	}
	if err != nil {
		return err
	}
	if len(r.project.Ignored) > 0 {
		p.Progress.Warn("the project descriptor has keys that mean nothing in its schema version, and are left out: " + strings.Join(r.project.Ignored, ", "))
	}
	if r.Builder == "" && r.project.Builder != "" {
		r.Builder, r.builderFromProject = r.project.Builder, true
		if err := extra.CheckForeignImage(r.Builder); err != nil && r.describedWithin() != "" {
			return hint.Usagef("name the builder with --builder", "builder %s: %v", r.Builder, err)
		}
	}
	r.ExecEnv = cmp.Or(r.ExecEnv, production)
	env := r.project.Environment(r.ExecEnv)
	maps.Copy(env, r.Env)
	r.Env = env
	return checkEnvironment(env)
}

// describedWithin is the source, if the project descriptor is a file of it: what it
// says then has no more weight than the source; "" if the user named another file.
func (r *resolved) describedWithin() string {
	if r.Descriptor != "" && !extra.Inside(r.AppDir, r.Descriptor) {
		return ""
	}
	return r.AppDir
}

// projectDir is what paths in the project descriptor are relative to.
func (r *resolved) projectDir() string {
	if r.Descriptor != "" {
		return filepath.Dir(r.Descriptor)
	}
	return r.AppDir
}

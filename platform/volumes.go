package platform

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// ownTargets are where phases have something that a build cannot do without.
var ownTargets = []string{lifecycle.CNBDir, lifecycle.LayersDir, lifecycle.PlatformDir, lifecycle.HomeDir, "/proc", "/sys", "/dev"}

// workspace is where the application is seen in the build.
func (r *resolved) workspace() string {
	if r.Workspace == "" {
		return lifecycle.AppDir
	}
	return path.Join("/", r.Workspace)
}

// checkWorkspace refuses places for the application that phases need themselves.
func (r *resolved) checkWorkspace() error {
	dir := r.workspace()
	for _, taken := range append([]string{lifecycle.StateDir, "/etc"}, ownTargets...) {
		if dir == "/" || dir == taken || isBelow(dir, taken) && taken != lifecycle.HomeDir {
			return hint.Usagef("choose another directory, such as "+lifecycle.AppDir, "--workspace %s: the build has something else there", r.Workspace)
		}
	}
	return nil
}

// checkVolumes refuses mounts over what phases need themselves, and host paths
// that are not there, and warns as pack does.
func (p *Platform) checkVolumes(r *resolved) error {
	seen := map[string]bool{}
	for _, m := range r.Volumes {
		for _, taken := range append([]string{r.workspace()}, ownTargets...) {
			if m.Target == taken {
				return hint.Usagef("choose another target", "--volume: the build itself mounts %s", m.Target)
			}
		}
		if seen[m.Target] {
			return hint.Usagef("choose another target", "--volume: %s is mounted twice", m.Target)
		}
		seen[m.Target] = true
		for _, sensitive := range []string{lifecycle.CNBDir, lifecycle.LayersDir, r.workspace()} {
			if isBelow(m.Target, sensitive) {
				p.Progress.Warn(fmt.Sprintf("--volume: %s is in %s, where the build keeps its own", m.Target, sensitive))
			}
		}
	}
	return nil
}

// checkHostPaths fails unless all host paths are there. Those of another machine
// are not looked for.
func (r *resolved) checkHostPaths() error {
	if r.traits.Remote {
		return nil
	}
	for _, m := range r.Volumes {
		if _, err := os.Stat(m.Host); m.Host != "" && err != nil {
			if failed, ok := errors.AsType[*fs.PathError](err); ok {
				err = failed.Err
			}
			return hint.Usagef("check the path; it is one of this machine", "--volume %s:%s: %v", m.Host, m.Target, err)
		}
	}
	return nil
}

func isBelow(name, dir string) bool { return strings.HasPrefix(name, dir+"/") }

// mountPoints are what the user's mounts need to be there below a directory that
// phases see read-only, relative to it.
func mountPoints(volumes []lifecycle.Mount, dir string) archiver {
	return func(_ context.Context, archive *tar.Writer) error {
		for _, m := range volumes {
			if !isBelow(m.Target, dir) {
				continue
			}
			point := tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimPrefix(m.Target, dir+"/") + "/", Mode: 0o755}
			if info, err := os.Stat(m.Host); m.Host != "" && err == nil && !info.IsDir() {
				point.Typeflag, point.Name, point.Mode = tar.TypeReg, strings.TrimSuffix(point.Name, "/"), 0o644
			}
			if err := archive.WriteHeader(&point); err != nil {
				return err
			}
		}
		return nil
	}
}

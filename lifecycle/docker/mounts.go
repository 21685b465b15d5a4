package docker

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// mounting is something that the daemon mounts in a container: a volume, or a
// path on its machine.
type mounting struct {
	volume   string
	path     string
	target   string
	readOnly bool
	// fill has the daemon copy what the image has at the target into a new
	// volume.
	fill bool
	// users is set for what the user asks to have mounted of the machine.
	users bool
}

// split says it in the daemon's terms. Volumes are binds, because Podman does
// not know of mounts that it must not fill them from the image.
func split(mounts []mounting) (binds []string, others []mount.Mount) {
	for _, m := range mounts {
		if m.volume == "" {
			others = append(others, mount.Mount{Type: mount.TypeBind, Source: m.path, Target: path.Clean(m.target), ReadOnly: m.readOnly})
			continue
		}
		options := "rw"
		if m.readOnly {
			options = "ro"
		}
		if !m.fill {
			options += ",nocopy"
		}
		binds = append(binds, m.volume+":"+path.Clean(m.target)+":"+options)
	}
	return binds, others
}

// mounts returns what the daemon has to mount for a phase.
func (p *place) mounts(ctx context.Context, phase lifecycle.Phase) ([]mounting, error) {
	if err := p.copyParts(ctx, phase); err != nil {
		return nil, err
	}
	var mounts []mounting
	if phase.Root == lifecycle.BuilderRoot {
		mounts = append(mounts, mounting{volume: p.programs(), target: inside.ProgramDir, readOnly: true})
	}
	for _, m := range phase.Mounts {
		made := mounting{target: m.Target, readOnly: m.ReadOnly}
		switch {
		case strings.Contains(m.Target, ":"):
			return nil, fmt.Errorf("mount of %s: docker daemons cannot mount where there is a colon in the path", m.Target)
		case m.Volume != "":
			made.volume = p.volumeOf(m.Volume)
		case m.Host != "":
			made.path, made.users = path.Clean(m.Host), true
		case m.Named != "":
			// As with docker run -v, a new one begins with what the image has.
			made.volume, made.users, made.fill = m.Named, true, true
		default:
			copied := p.parts.of(m.Builder, phase.Root)
			if *copied == (part{}) {
				continue
			}
			made.volume, made.path, made.readOnly = copied.volume, copied.file, true
		}
		mounts = append(mounts, made)
	}
	return mounts, nil
}

// explainMounts names the mount of the host that an error of the daemon is about.
func explainMounts(err error, mounts []lifecycle.Mount) error {
	if err == nil {
		return nil
	}
	for _, m := range mounts {
		if m.Host != "" && strings.Contains(err.Error(), path.Clean(m.Host)) {
			return hint.Errorf("paths of the host are those of the machine on which the docker daemon runs", "mount of %s: %w", m.Target, err)
		}
	}
	return err
}

// target is a place in the builder's file system that has to be of a kind.
type target struct {
	path string
	kind kind
}

// kind is what has to be at a target.
type kind int

const (
	directory kind = iota
	file
	temporary // a directory that everybody may write to
)

// targetsOf returns where things are mounted. What the user has mounted is left
// to the daemon: only it knows what that is.
func targetsOf(mounts []mounting) []target {
	var targets []target
	for _, m := range mounts {
		switch {
		case m.users, m.target == inside.ProgramDir:
		case m.volume != "":
			targets = append(targets, target{path.Clean(m.target), directory})
		default:
			targets = append(targets, target{path.Clean(m.target), file})
		}
	}
	return targets
}

package docker

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/docker/docker/api/types/volume"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// volumeName is what can be part of a volume's name in a daemon.
var volumeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// programsVolume is the volume with the engine's programs, which containers of
// the builder mount.
const programsVolume = "programs"

// volumeOf is the name that one of the place's volumes has in the daemon.
func (p *place) volumeOf(name string) string { return namePrefix + p.id + "-of-" + name }

// programs is the name of the volume with the programs.
func (p *place) programs() string { return namePrefix + p.id + "-" + programsVolume }

// makeVolumes makes the volumes of the place.
func (p *place) makeVolumes(ctx context.Context, names []string) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		if !volumeName.MatchString(name) {
			return fmt.Errorf("volume %q: not a name", name)
		}
		p.Volumes[name] = name
		all.Go(func() error { return p.makeVolume(ctx, p.volumeOf(name)) })
	}
	all.Go(func() error { return p.makeVolume(ctx, p.programs()) })
	return all.Wait()
}

func (p *place) makeVolume(ctx context.Context, name string) error {
	// To its end, or nobody would know that it is there.
	_, err := p.daemon.api.VolumeCreate(context.WithoutCancel(ctx), volume.CreateOptions{Name: name, Driver: "local", Labels: p.labels()})
	return step(err, "making a volume")
}

// startAttendant starts the container that works on the volumes. Its start also
// fills the volume with the programs: the daemon copies there what the own image
// has in that place.
func (p *place) startAttendant(ctx context.Context) error {
	work := &inside.Attend{User: p.user}
	mounts := []mounting{{volume: p.programs(), target: inside.ProgramDir, fill: true}}
	for name := range p.Volumes {
		work.Volumes = append(work.Volumes, name)
		mounts = append(mounts, mounting{volume: p.volumeOf(name), target: path.Join(inside.WorkDir, name)})
	}
	slices.Sort(work.Volumes)
	attendant, err := p.daemon.start(ctx, vessel{
		name: p.name("attendant"), image: p.image, labels: p.labels(), hostUserns: p.hostUserns, mounts: mounts,
		network: lifecycle.NetworkNone, caps: fileCaps,
	}, &inside.Order{Secret: secret(), Attend: work}, lifecycle.Streams{})
	if err != nil {
		return err
	}
	p.attendant = attendant
	return attendant.untilReady(ctx)
}

// fileCaps are the capabilities for work on the files of others.
var fileCaps = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER"}

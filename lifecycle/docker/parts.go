package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"sync"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// parts are copies of parts of the builder, each in a volume.
type parts struct {
	mu   sync.Mutex
	done map[partKey]*part
}

// partKey says what a part is a copy of. Copies for own phases have nothing in
// them that can be executed.
type partKey struct {
	path string
	root lifecycle.Root
}

type part struct {
	volume string
	// file is where the part is on the daemon's machine if it is not a directory.
	file string
}

// of returns a part that has been copied.
func (ps *parts) of(from string, root lifecycle.Root) *part {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.done[partKey{from, root}]
}

// copyParts copies what a phase mounts of the builder and no phase has mounted
// before. The daemon has no way to mount a part of an image, and only a process
// in the builder's file system finds its way through the links there.
func (p *place) copyParts(ctx context.Context, phase lifecycle.Phase) error {
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	if p.parts.done == nil {
		p.parts.done = map[partKey]*part{}
	}
	for _, m := range phase.Mounts {
		key := partKey{m.Builder, phase.Root}
		if m.Builder == "" || p.parts.done[key] != nil {
			continue
		}
		made, err := p.copyPart(ctx, key)
		if err != nil {
			return fmt.Errorf("mount of %s: %w", m.Target, err)
		}
		p.parts.done[key] = made
	}
	return nil
}

func (p *place) copyPart(ctx context.Context, key partKey) (*part, error) {
	made := &part{volume: p.name("part")}
	if err := p.makeVolume(ctx, made.volume); err != nil {
		return nil, err
	}
	const to = "part"
	var copied []inside.Copied
	err := p.inBuilder(ctx, nil, func(image string) error {
		v := vessel{
			name: p.name("copy"), image: image, network: lifecycle.NetworkNone, caps: fileCaps, labels: p.labels(),
			mounts: []mounting{
				{volume: p.programs(), target: inside.ProgramDir, readOnly: true},
				{volume: made.volume, target: path.Join(inside.WorkDir, to)},
			},
		}
		order := &inside.Order{Copy: []inside.Copy{{From: path.Join("/", key.path), To: to, Executable: key.root == lifecycle.BuilderRoot}}}
		var stdout bytes.Buffer
		code, err := p.complete(ctx, v, order, lifecycle.Streams{Stdout: &stdout})
		if err != nil {
			return err
		}
		if code != 0 {
			return fmt.Errorf("copying %s of the builder failed with exit code %s", key.path, strconv.Itoa(code))
		}
		return json.Unmarshal(stdout.Bytes(), &copied)
	})
	if err != nil || len(copied) != 1 || !copied[0].IsFile {
		return made, err
	}
	found, err := p.daemon.api.VolumeInspect(ctx, made.volume)
	made.file = path.Join(found.Mountpoint, inside.CopiedFile)
	return made, err
}

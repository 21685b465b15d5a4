package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
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

// part is a copy. One of its fields is set, or none where the builder has no
// such path.
type part struct {
	// volume is that of a directory.
	volume string
	// file is where a file is on the daemon's machine.
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
	if !slices.ContainsFunc(phase.Mounts, func(m lifecycle.Mount) bool { return m.Builder != "" }) {
		return nil // and need not wait for what is copied for another phase
	}
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	if p.parts.done == nil {
		p.parts.done = map[partKey]*part{}
	}
	var missing []lifecycle.Mount
	var targets []string
	for _, m := range phase.Mounts {
		if m.Builder != "" && p.parts.done[partKey{m.Builder, phase.Root}] == nil {
			missing, targets = append(missing, m), append(targets, m.Target)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	made, err := p.copyOut(ctx, missing, phase.Root)
	if err != nil {
		return fmt.Errorf("mount of %s: %w", strings.Join(targets, ", "), err)
	}
	for i, m := range missing {
		p.parts.done[partKey{m.Builder, phase.Root}] = made[i]
	}
	return nil
}

// copyOut copies what some mounts are of, each into a new volume.
func (p *place) copyOut(ctx context.Context, wanted []lifecycle.Mount, root lifecycle.Root) ([]*part, error) {
	v := vessel{
		network: lifecycle.NetworkNone, caps: fileCaps, labels: p.labels(), hostUserns: p.hostUserns,
		mounts: []mounting{{volume: p.programs(), target: inside.ProgramDir, readOnly: true}},
	}
	var order inside.Order
	var made []*part
	for _, m := range wanted {
		volume := p.name("part")
		if err := p.makeVolume(ctx, volume); err != nil {
			return nil, err
		}
		made = append(made, &part{volume: volume})
		v.mounts = append(v.mounts, mounting{volume: volume, target: path.Join(inside.WorkDir, volume)})
		order.Copy = append(order.Copy, inside.Copy{
			From: path.Join("/", m.Builder), To: volume, Executable: root == lifecycle.BuilderRoot, Optional: m.Optional,
		})
	}
	var copied []inside.Copied
	err := p.inBuilder(ctx, &p.builder, nil, func(image string) error {
		v.name, v.image = p.name("copy"), image
		var stdout bytes.Buffer
		code, err := p.complete(ctx, v, &order, lifecycle.Streams{Stdout: &stdout})
		if err == nil && code != 0 {
			err = fmt.Errorf("copying from the builder failed with exit code %d", code)
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(stdout.Bytes(), &copied)
	})
	if err != nil {
		return nil, err
	}
	return made, p.settle(ctx, made, copied)
}

// settle notes what has been copied.
func (p *place) settle(ctx context.Context, made []*part, copied []inside.Copied) error {
	if len(copied) != len(made) {
		return fmt.Errorf("%d parts of the builder were copied instead of %d", len(copied), len(made))
	}
	for i, c := range copied {
		switch {
		case c.Missing:
			*made[i] = part{}
		case c.IsFile:
			found, err := p.daemon.api.VolumeInspect(ctx, made[i].volume)
			if err != nil {
				return err
			}
			*made[i] = part{file: path.Join(found.Mountpoint, inside.CopiedFile)}
		}
	}
	return nil
}

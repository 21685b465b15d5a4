package docker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// keeper is the images of the daemon that an engine uses. Any engine can leave
// an app image there.
type keeper struct{ engine *Engine }

var _ lifecycle.Daemon = keeper{}

// Probe implements lifecycle.Daemon.
func (k keeper) Probe(ctx context.Context) error {
	_, err := k.engine.connected(ctx)
	return err
}

// String implements lifecycle.Daemon.
func (k keeper) String() string {
	return cmp.Or(k.engine.config.Host, os.Getenv(client.EnvOverrideHost), client.DefaultDockerHost)
}

// Incremental implements lifecycle.Daemon. Daemons that keep images as containerd
// does want them whole.
func (k keeper) Incremental(ctx context.Context) (bool, error) {
	d, err := k.engine.connected(ctx)
	if err != nil {
		return false, err
	}
	info, err := d.api.Info(ctx)
	if err != nil {
		return false, step(err, "asking the docker daemon how it keeps images")
	}
	for _, status := range info.DriverStatus {
		if status[0] == "driver-type" && status[1] == "io.containerd.snapshotter.v1" {
			return false, nil
		}
	}
	return true, nil
}

// Load implements lifecycle.Daemon.
func (k keeper) Load(ctx context.Context, archive io.Reader) error {
	d, err := k.engine.connected(ctx)
	if err != nil {
		return err
	}
	return d.receive(ctx, archive)
}

// Find implements lifecycle.Daemon.
func (k keeper) Find(ctx context.Context, reference string) (lifecycle.DaemonImage, error) {
	d, err := k.engine.connected(ctx)
	if err != nil {
		return nil, err
	}
	return d.kept(ctx, reference)
}

// kept returns an image of the daemon, or a *missing error.
func (d *daemon) kept(ctx context.Context, reference string) (*keptImage, error) {
	var raw bytes.Buffer
	found, err := d.api.ImageInspect(ctx, reference, client.ImageInspectWithRawResponse(&raw))
	if errdefs.IsNotFound(err) {
		return nil, &missing{reference}
	}
	if err != nil {
		return nil, step(err, "looking for image %s", reference)
	}
	history, err := d.api.ImageHistory(ctx, found.ID)
	if err != nil {
		return nil, step(err, "reading the history of image %s", reference)
	}
	config, err := configOf(found, raw.Bytes(), history)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", reference, err)
	}
	return &keptImage{daemon: d, found: found, config: config}, nil
}

// configOf makes the config of an image of what a daemon says of it. Fields that
// only a registry has are left out.
func configOf(found image.InspectResponse, raw []byte, history []image.HistoryResponseItem) (*v1.ConfigFile, error) {
	var said struct {
		Config  v1.Config
		Created v1.Time
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return nil, err
	}
	config := &v1.ConfigFile{
		Architecture: found.Architecture, Variant: found.Variant, OS: found.Os, OSVersion: found.OsVersion,
		Author: found.Author, Created: said.Created, Config: said.Config,
		RootFS: v1.RootFS{Type: "layers"},
	}
	for _, layer := range found.RootFS.Layers {
		diffID, err := v1.NewHash(layer)
		if err != nil {
			return nil, err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
	}
	config.History = historyOf(history, len(config.RootFS.DiffIDs))
	return config, nil
}

// historyOf is a daemon's history in the order of a config. The daemon does not
// say which steps made no layer; they have no size. Where that does not add up,
// there is no history.
func historyOf(said []image.HistoryResponseItem, layers int) []v1.History {
	var all []v1.History
	for i := len(said) - 1; i >= 0; i-- {
		if len(said) != layers && said[i].Size == 0 {
			continue
		}
		all = append(all, v1.History{CreatedBy: said[i].CreatedBy, Comment: said[i].Comment})
	}
	if len(all) != layers {
		return nil
	}
	return all
}

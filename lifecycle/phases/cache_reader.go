package phases

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/layers"
)

// cacheReader shows imported snapshots to the lifecycle's restorer. When the
// restorer retrieves a layer, cacheReader unpacks it itself, verified and as a
// whole, and hands the restorer an archive in which nothing is left to do.
type cacheReader struct {
	ctx       context.Context // the lifecycle's interface takes none
	from      imported
	meta      lifecycleplatform.CacheMetadata
	layersDir string
	options   layers.RestoreOptions
	early     *early
	slots     chan struct{}
	dirs      map[string][]layers.LayerID // by diffID

	mu   sync.Mutex
	done map[layers.LayerID]LayerRestored
}

var _ phase.Cache = (*cacheReader)(nil)

// sbomID is what the lifecycle calls that layer.
var sbomID = layers.LayerID{Buildpack: "buildpacksio/lifecycle", Layer: "cache.sbom"}

func newCacheReader(ctx context.Context, from imported, layersDir string, options layers.RestoreOptions, early *early) *cacheReader {
	c := &cacheReader{
		ctx: ctx, from: from, meta: from.metadata(), layersDir: layersDir, options: options, early: early,
		slots: make(chan struct{}, max(2, runtime.NumCPU())),
		dirs:  map[string][]layers.LayerID{},
		done:  map[layers.LayerID]LayerRestored{},
	}
	for _, bp := range c.meta.Buildpacks {
		for name, layer := range bp.Layers {
			c.dirs[layer.SHA] = append(c.dirs[layer.SHA], layers.LayerID{Buildpack: bp.ID, Layer: name})
		}
	}
	return c
}

// Exists reports whether there is anything to restore from.
func (c *cacheReader) Exists() bool { return len(c.from.sources) > 0 }

// Name is for the restorer's log.
func (c *cacheReader) Name() string { return "cache" }

// RetrieveMetadata returns the merged metadata of all imports, without the SBOMs: it
// is not the lifecycle that restores them.
func (c *cacheReader) RetrieveMetadata() (lifecycleplatform.CacheMetadata, error) {
	md := c.meta
	md.BOM = lifecycleplatform.CacheMetadata{}.BOM
	return md, nil
}

// VerifyLayer has nothing to do: a layer is verified while it is unpacked.
func (c *cacheReader) VerifyLayer(string) error { return nil }

// RetrieveLayer restores the layers with the given diffID. Failures are kept
// for report and removeFailed; to the restorer every layer is fine.
func (c *cacheReader) RetrieveLayer(diffID string) (io.ReadCloser, error) {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	for _, id := range c.take(diffID) {
		c.restoreLayer(id, c.layersDir, id.Dir(), diffID)
	}
	emptyArchive := make([]byte, 1024)
	return io.NopCloser(bytes.NewReader(emptyArchive)), nil
}

// restoreSBOM brings the SBOMs of cached layers back to the directory cacheSBOM below
// parent, if the cache has any.
func (c *cacheReader) restoreSBOM(parent string) {
	if c.meta.BOM.SHA != "" {
		c.restoreLayer(sbomID, parent, cacheSBOM, c.meta.BOM.SHA)
	}
}

func (c *cacheReader) restoreLayer(id layers.LayerID, parent, dir, diffID string) {
	outcome := LayerRestored{Layer: id.String(), Failed: true}
	sources := c.from.holding(diffID)
	if len(sources) == 0 {
		outcome.Reason = "the cache names the layer but does not hold it"
	}
	for i, from := range sources {
		transfer, fetched, err := layers.Transfer{}, false, error(nil)
		if i == 0 {
			transfer, fetched, err = c.early.restore(id)
		}
		if !fetched {
			transfer, err = from.Restore(from.ctx, diffID, parent, dir, c.options)
		}
		outcome.From = from.String()
		outcome.Received += transfer.Received
		outcome.Seconds += transfer.Duration.Seconds()
		if err == nil {
			outcome.Size = transfer.Size
			outcome.Restored, outcome.Failed = true, false
			break
		}
		outcome.Denied = errors.Is(err, layers.ErrDenied)
		outcome.NoRoom, outcome.Reason = noRoom(err), late(c.ctx, from.ctx, err).Error()
		if outcome.NoRoom || c.ctx.Err() != nil {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done[id] = outcome
}

// take returns the layers with a diffID to whoever asks first: the restorer
// retrieves a diffID for each layer that has it.
func (c *cacheReader) take(diffID string) []layers.LayerID {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.dirs[diffID]
	delete(c.dirs, diffID)
	return ids
}

// removeFailed removes every trace of layers that could not be restored: a
// layer is there whole or not at all, its metadata file included.
func (c *cacheReader) removeFailed() error {
	failed := map[string][]layers.LayerID{} // by the directory of the buildpack
	for id, outcome := range c.done {
		if !outcome.Restored && id != sbomID { // a build writes the SBOM anew
			dir := filepath.Dir(filepath.Join(c.layersDir, id.Dir()))
			failed[dir] = append(failed[dir], id)
		}
	}
	for dir, ids := range failed {
		files, err := sbomFiles(dir)
		if err != nil {
			return err
		}
		for _, id := range ids {
			path := filepath.Join(c.layersDir, id.Dir())
			errs := []error{removal.Path(path)}
			for _, file := range append(files[path], path+".toml", path+".sha") {
				if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
					errs = append(errs, err)
				}
			}
			if err := errors.Join(errs...); err != nil {
				return fmt.Errorf("remove layer %s: %w", id, err)
			}
		}
	}
	return nil
}

// sbomFiles finds the SBOM files below a buildpack's directory, by the path of the
// layer.
func sbomFiles(dir string) (map[string][]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	found := map[string][]string{}
	for _, entry := range entries {
		if layer := strings.LastIndex(entry.Name(), ".sbom."); layer > 0 {
			path := filepath.Join(dir, entry.Name()[:layer])
			found[path] = append(found[path], filepath.Join(dir, entry.Name()))
		}
	}
	return found, nil
}

// report says for every cached layer of the group what became of it, and why.
func (c *cacheReader) report(group buildpack.Group, app files.LayersMetadata) []LayerRestored {
	var out []LayerRestored
	for _, bp := range group.Group {
		for name, layer := range c.meta.MetadataForBuildpack(bp.ID).Layers {
			id := layers.LayerID{Buildpack: bp.ID, Layer: name}
			outcome, tried := c.done[id]
			if !tried {
				outcome = LayerRestored{Layer: id.String(), Reason: notWanted(layer, app.LayersMetadataFor(bp.ID).Layers[name])}
			}
			out = append(out, outcome)
		}
	}
	if sbom, tried := c.done[sbomID]; tried {
		out = append(out, sbom)
	}
	slices.SortFunc(out, func(a, b LayerRestored) int { return cmp.Compare(a.Layer, b.Layer) })
	return out
}

// notWanted says why the lifecycle did not ask for a layer that the cache has.
func notWanted(cached, inApp buildpack.LayerMetadata) string {
	switch {
	case !cached.Cache:
		return "not marked cache=true"
	case cached.Launch && inApp.SHA == "":
		return "the previous app image does not have this launch layer"
	case cached.Launch:
		return "the previous app image has another content of this launch layer"
	}
	return "the lifecycle did not ask for it"
}

// The restorer only reads; the rest of phase.Cache is for exporters.

var errReadOnly = errors.New("cache is read-only here")

// SetMetadata fails.
func (c *cacheReader) SetMetadata(lifecycleplatform.CacheMetadata) error { return errReadOnly }

// AddLayerFile fails.
func (c *cacheReader) AddLayerFile(string, string) error { return errReadOnly }

// ReuseLayer fails.
func (c *cacheReader) ReuseLayer(string) error { return errReadOnly }

// Commit fails.
func (c *cacheReader) Commit() error { return errReadOnly }

package layers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// RestoreOptions are the choices of Snapshot.Restore.
type RestoreOptions struct {
	// StateDir is a directory in which the layer's fingerprint is kept, for
	// Save to find; "" for none. Code that is not trusted with the cache must
	// not be able to write there.
	StateDir string
	// Stage is a directory below the layers directory in which the layer grows, as
	// a path relative to that; "" for the layers directory itself. Nobody else may
	// be able to write there.
	Stage string
	// KeepFrames keeps the compressed frames of layers that tend to change in
	// StateDir, where Save finds those that it would make again. They take as much
	// room there as the blobs have bytes, so it is for state directories in memory.
	KeepFrames bool
}

// Transfer says what a restore moved.
type Transfer struct {
	// Received counts the bytes that came out of the store.
	Received int64
	// Size is the size of the uncompressed archive in bytes.
	Size int64
	// Files counts the entries of the layer, directories included.
	Files    int
	Duration time.Duration
	// NoFingerprint says why no fingerprint could be kept although there was a
	// StateDir. The layer is good, but Save will have to read all of it.
	NoFingerprint error
}

// Restore brings the layer with the given diffID back to dir, a path relative to
// layersDir such as LayerID.Dir() or "sbom/cache", in place of whatever is
// there.
//
// The layer appears whole and verified, or not at all. Every file becomes the
// property of the calling user. Errors wrap ErrNotFound when the snapshot or
// the store does not have the layer, and ErrCorrupt when its bytes are not what
// they should be. Layers may be restored concurrently.
func (s *Snapshot) Restore(ctx context.Context, diffID string, layersDir, dir string, opts RestoreOptions) (Transfer, error) {
	fetched, err := s.Fetch(ctx, diffID, layersDir, dir, opts)
	if err != nil {
		return fetched.Transfer, err
	}
	return fetched.Publish()
}

// Fetched is a layer that is whole and verified, but not in its place yet. Either
// Publish or Discard has to be called.
type Fetched struct {
	// Transfer says what it took.
	Transfer Transfer
	layers   *os.Root
	dir      string
	grown    *stage
	fresh    archive.Fingerprint // without what is known only when the layer is published
	tree     archive.Unpacked
	stateDir string
}

// Fetch is the larger part of Restore: everything but putting the layer in its
// place. It returns a *Fetched that has a Transfer also with an error, and then
// there is nothing to discard.
func (s *Snapshot) Fetch(ctx context.Context, diffID string, layersDir, dir string, opts RestoreOptions) (*Fetched, error) {
	started := time.Now()
	f := &Fetched{dir: dir, stateDir: opts.StateDir}
	layer, ok := s.Layer(diffID)
	if !ok {
		return f, fmt.Errorf("layer %s in %s: %w", diffID, s, ErrNotFound)
	}
	if !filepath.IsLocal(dir) || dir == "." || path.Clean(dir) != dir {
		return f, fmt.Errorf("layer directory %q is not below the layers directory", dir)
	}
	if err := forgetFingerprint(opts.StateDir, dir); err != nil {
		return f, err
	}
	err := s.fetch(ctx, f, layer, layersDir, opts)
	f.Transfer.Duration = time.Since(started)
	if err != nil {
		err = errors.Join(err, f.Discard(), noteUnusable(opts.StateDir, dir, layer, err))
		return f, fmt.Errorf("restoring %s: %w", dir, err)
	}
	return f, nil
}

func (s *Snapshot) fetch(ctx context.Context, f *Fetched, layer Layer, layersDir string, opts RestoreOptions) (err error) {
	if f.layers, err = os.OpenRoot(layersDir); err != nil {
		return err
	}
	if f.grown, err = newStage(f.layers, opts.Stage); err != nil {
		return err
	}
	f.fresh = archive.Fingerprint{Dir: f.dir, DiffID: layer.DiffID, Origin: layer.origin(s.store), Key: blob.NewKey()}
	var keep *blob.FrameKeeper
	if opts.KeepFrames && layer.mayReuseFrames() {
		keep = blob.NewFrameKeeper(stateFile(opts.StateDir, f.dir, framesState), f.fresh.Key)
	}
	err = s.unpack(ctx, f, layer, keep)
	f.fresh.Frames = keep.Close()
	return err
}

// Publish puts the layer in its place, and keeps its fingerprint. Nothing may have
// touched it since it was fetched.
func (f *Fetched) Publish() (Transfer, error) {
	started := time.Now()
	err := publish(f.grown, f.dir, &f.tree)
	if err == nil && f.stateDir != "" {
		f.Transfer.NoFingerprint = f.keepFingerprint()
	}
	err = errors.Join(err, f.Discard())
	f.Transfer.Duration += time.Since(started)
	if err != nil {
		return f.Transfer, fmt.Errorf("restoring %s: %w", f.dir, err)
	}
	return f.Transfer, nil
}

func (f *Fetched) keepFingerprint() error {
	if err := f.fresh.Complete(f.grown.dir, &f.tree); err != nil {
		return err
	}
	return writeFingerprint(f.stateDir, &f.fresh)
}

// Discard removes what was fetched, unless it was published.
func (f *Fetched) Discard() error {
	var err error
	if f.grown != nil {
		err = f.grown.discard()
		f.grown = nil
	}
	if f.layers != nil {
		err = errors.Join(err, f.layers.Close())
		f.layers = nil
	}
	return err
}

// unpack decodes and verifies a layer and makes its tree in the stage.
func (s *Snapshot) unpack(ctx context.Context, f *Fetched, layer Layer, keep *blob.FrameKeeper) error {
	reading, err := s.open(ctx, layer, f.grown.dir.Name(), keep)
	if err != nil {
		return err
	}
	defer reading.Close()
	size, known := s.knownSize(layer)
	f.tree, err = archive.Unpack(ctx, archive.Request{Feed: reading.Feed, Dir: f.dir, Root: f.grown.dir, Key: f.fresh.Key, Digest: !known})
	if err == nil {
		err = reading.finish()
	}
	reading.Stop()
	f.Transfer = Transfer{Received: reading.from.Received(), Size: f.tree.Size, Files: f.tree.Files}
	switch {
	case err != nil:
		return err
	case known && f.tree.Size != size:
		return fmt.Errorf("archive has %d bytes instead of %d: %w", f.tree.Size, size, ErrCorrupt)
	case !known && f.tree.DiffID != layer.DiffID:
		return fmt.Errorf("archive has diffID %s instead of %s: %w", f.tree.DiffID, layer.DiffID, ErrCorrupt)
	}
	return nil
}

// knownSize returns how large the archive of a layer is, if its diffID need not be
// looked at: the blob has its digest, which is checked, and was written by package
// layers, which computes both in one pass. The diffID of a launch layer stands for
// the app image's layer, so it is always checked, and so is that of a blob that
// somebody else wrote.
func (s *Snapshot) knownSize(layer Layer) (int64, bool) {
	size, ok := layer.unpacked()
	if !ok || layer.Codec() == blob.Estargz {
		return 0, false
	}
	s.launchOn.Do(s.findLaunched)
	launch, named := s.launched[layer.DiffID]
	if launch || !named {
		return 0, false
	}
	return size, true
}

func (s *Snapshot) findLaunched() {
	s.launched = map[string]bool{}
	for _, bp := range s.metadata.Buildpacks {
		for _, layer := range bp.Layers {
			s.launched[layer.SHA] = s.launched[layer.SHA] || layer.Launch
		}
	}
}

func publish(grown *stage, dir string, tree *archive.Unpacked) error {
	if err := grown.publish(dir, tree.ParentMode); err != nil {
		return err
	}
	if err := posix.Fchmod(int(grown.dir.Fd()), tree.Mode); err != nil {
		return errors.Join(err, removal.Tree(grown.layers, dir))
	}
	return nil
}

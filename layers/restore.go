package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
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
	blob, ok := s.Blob(diffID)
	if !ok {
		return f, fmt.Errorf("layer %s in %s: %w", diffID, s, ErrNotFound)
	}
	if !filepath.IsLocal(dir) || dir == "." || path.Clean(dir) != dir {
		return f, fmt.Errorf("layer directory %q is not below the layers directory", dir)
	}
	if err := forgetFingerprint(opts.StateDir, dir); err != nil {
		return f, err
	}
	err := s.fetch(ctx, f, blob, diffID, layersDir, opts)
	f.Transfer.Duration = time.Since(started)
	if err != nil {
		err = errors.Join(err, f.Discard(), noteUnusable(opts.StateDir, dir, blob, err))
		return f, fmt.Errorf("restoring %s: %w", dir, err)
	}
	return f, nil
}

func (s *Snapshot) fetch(ctx context.Context, f *Fetched, content v1.Descriptor, diffID, layersDir string, opts RestoreOptions) (err error) {
	if f.layers, err = os.OpenRoot(layersDir); err != nil {
		return err
	}
	if f.grown, err = newStage(f.layers, opts.Stage); err != nil {
		return err
	}
	bound, err := blob.BoundOf(content, f.grown.dir.Name())
	if err != nil {
		return err
	}
	f.fresh = archive.Fingerprint{Dir: f.dir, DiffID: diffID, Origin: origin(s.store, content), Key: blob.NewKey()}
	var keep *blob.FrameKeeper
	if opts.KeepFrames && mayReuseFrames(content) {
		keep = blob.NewFrameKeeper(stateFile(opts.StateDir, f.dir, framesState), f.fresh.Key)
	}
	reader := openBlob(ctx, s.store, content, s.memory)
	defer reader.Close()
	f.tree, err = s.unpack(ctx, f, reader, content, bound, keep)
	f.fresh.Frames = keep.Close()
	f.Transfer = Transfer{Received: reader.Received(), Size: f.tree.Size, Files: f.tree.Files}
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

// origin names a blob of a store.
func origin(store Store, content v1.Descriptor) string {
	return store.String() + "@" + content.Digest.String()
}

// unpack decodes and verifies a blob and makes the layer's tree in the stage.
func (s *Snapshot) unpack(ctx context.Context, f *Fetched, reader *blob.Reader, content v1.Descriptor, bound *bounds.Archive, keep *blob.FrameKeeper) (archive.Unpacked, error) {
	feed, err := blob.NewFeed(ctx, reader, bound, keep)
	if err != nil {
		return archive.Unpacked{}, err
	}
	defer feed.Close()
	diffID := f.fresh.DiffID
	size, known := s.knownSize(diffID, content)
	tree, err := archive.Unpack(ctx, archive.Request{Feed: feed, Dir: f.dir, Root: f.grown.dir, Key: f.fresh.Key, Digest: !known})
	if err != nil {
		return tree, err
	}
	feed.Stop()
	if _, err := io.Copy(io.Discard, reader); err != nil {
		return tree, err
	}
	switch {
	case known && tree.Size != size:
		return tree, fmt.Errorf("archive has %d bytes instead of %d: %w", tree.Size, size, ErrCorrupt)
	case !known && tree.DiffID != diffID:
		return tree, fmt.Errorf("archive has diffID %s instead of %s: %w", tree.DiffID, diffID, ErrCorrupt)
	}
	return tree, nil
}

// knownSize returns how large the archive of a layer is, if its diffID need not be
// looked at: the blob has its digest, which is checked, and was written by package
// layers, which computes both in one pass. The diffID of a launch layer stands for
// the app image's layer, so it is always checked, and so is that of a blob that
// somebody else wrote.
func (s *Snapshot) knownSize(diffID string, content v1.Descriptor) (int64, bool) {
	size, ok := blob.ArchiveSize(content)
	if !ok || blob.CodecOf(content) == blob.Estargz {
		return 0, false
	}
	s.launchOn.Do(s.findLaunched)
	launch, named := s.launched[diffID]
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

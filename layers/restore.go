package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// RestoreOptions are the choices of Snapshot.Restore.
type RestoreOptions struct {
	// StateDir is a directory in which the layer's fingerprint is kept, for
	// Save to find; "" for none. Code that is not trusted with the cache must
	// not be able to write there.
	StateDir string
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
	started := time.Now()
	blob, ok := s.Blob(diffID)
	if !ok {
		return Transfer{}, fmt.Errorf("layer %s in %s: %w", diffID, s, ErrNotFound)
	}
	if !filepath.IsLocal(dir) || dir == "." || path.Clean(dir) != dir {
		return Transfer{}, fmt.Errorf("layer directory %q is not below the layers directory", dir)
	}
	if err := forgetFingerprint(opts.StateDir, dir); err != nil {
		return Transfer{}, err
	}
	transfer, err := s.restore(ctx, blob, diffID, layersDir, dir, opts.StateDir)
	transfer.Duration = time.Since(started)
	if err != nil {
		err = errors.Join(err, noteUnusable(opts.StateDir, dir, blob, err))
		return transfer, fmt.Errorf("restoring %s: %w", dir, err)
	}
	return transfer, nil
}

func (s *Snapshot) restore(ctx context.Context, blob v1.Descriptor, diffID, layersDir, dir, stateDir string) (transfer Transfer, err error) {
	root, err := os.OpenRoot(layersDir)
	if err != nil {
		return Transfer{}, err
	}
	defer root.Close()
	grown, err := newStage(root)
	if err != nil {
		return Transfer{}, err
	}
	defer func() { err = errors.Join(err, grown.discard()) }()

	source := &countingReader{from: openBlob(ctx, s.store, blob, s.memory)}
	defer source.from.(io.Closer).Close()
	key := newEvidenceKey()
	tree, err := s.unpackBlob(ctx, source, blob, diffID, dir, grown, key)
	transfer = Transfer{Received: source.read, Size: tree.size, Files: tree.files}
	if err != nil {
		return transfer, err
	}
	if err := publish(grown, dir, &tree); err != nil {
		return transfer, err
	}
	if stateDir == "" {
		return transfer, nil
	}
	taken, err := newFingerprint(grown.dir, dir, &tree, key)
	if err == nil {
		taken.diffID, taken.origin = diffID, origin(s.store, blob)
		err = writeFingerprint(stateDir, taken)
	}
	transfer.NoFingerprint = err
	return transfer, nil
}

// origin names a blob of a store.
func origin(store Store, blob v1.Descriptor) string {
	return store.String() + "@" + blob.Digest.String()
}

// unpackBlob decodes and verifies what source yields and makes the layer's tree
// in the stage.
func (s *Snapshot) unpackBlob(ctx context.Context, source io.Reader, blob v1.Descriptor, diffID, dir string, grown *stage, key evidenceKey) (unpacked, error) {
	verified := &stickyReader{from: newVerifier(source, blob)}
	feed, err := newFeed(ctx, verified, newBlockPool(feedBlocks, blockSize))
	if err != nil {
		return unpacked{}, verified.blame(err)
	}
	defer feed.close()
	archive := &archiveReader{feed: feed, blame: verified.blame}
	size, known := s.knownSize(diffID, blob)
	if !known {
		archive.hash = newTarHash()
	}
	tree, err := unpack(ctx, archive, dir, int(grown.dir.Fd()), key)
	if err != nil {
		return tree, err
	}
	feed.stop()
	if _, err := io.Copy(io.Discard, verified); err != nil {
		return tree, err
	}
	switch {
	case known && tree.size != size:
		return tree, fmt.Errorf("archive has %d bytes instead of %d: %w", tree.size, size, ErrCorrupt)
	case known:
	case hashOf(archive.hash).String() != diffID:
		return tree, fmt.Errorf("archive has diffID %s instead of %s: %w", hashOf(archive.hash), diffID, ErrCorrupt)
	}
	return tree, nil
}

// knownSize returns how large the archive of a layer is, if its diffID need not be
// looked at: the blob has its digest, which is checked, and was written by package
// layers, which computes both in one pass. The diffID of a launch layer stands for
// the app image's layer, so it is always checked, and so is that of a blob that
// somebody else wrote.
func (s *Snapshot) knownSize(diffID string, blob v1.Descriptor) (int64, bool) {
	size, err := strconv.ParseInt(blob.Annotations[sizeAnnotation], 10, 64)
	if err != nil || blobCodec(blob) == Estargz {
		return 0, false
	}
	found := false
	for _, bp := range s.metadata.Buildpacks {
		for _, layer := range bp.Layers {
			if layer.SHA == diffID {
				if layer.Launch {
					return 0, false
				}
				found = true
			}
		}
	}
	return size, found
}

func publish(grown *stage, dir string, tree *unpacked) error {
	parentMode := func(parent string) fs.FileMode {
		for _, p := range tree.parents {
			if strings.HasSuffix(path.Join("/", p.name), "/"+parent) {
				return fs.FileMode(p.mode&0o777 | 0o700)
			}
		}
		return 0o755
	}
	if err := grown.publish(dir, parentMode); err != nil {
		return err
	}
	if err := posix.Fchmod(int(grown.dir.Fd()), tree.mode); err != nil {
		return errors.Join(err, removeTree(grown.layers, dir))
	}
	return nil
}

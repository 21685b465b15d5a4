package phases

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/buildpacks/imgutil"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/internal/until"
)

// sbomsDir is a directory in the volume of the state, where no buildpack can reach
// it. It has sbom/launch, of the previous image, from analyze on, and sbom/cache, of
// a cache, from restore on.
const sbomsDir = "sboms"

// launchSBOM and cacheSBOM are where the lifecycle keeps SBOMs of layers, below the
// layers directory (CNB Platform specification).
const (
	launchSBOM = "sbom/launch"
	cacheSBOM  = "sbom/cache"
)

// maxSBOMs is how many SBOMs an image may have: three for each layer of a buildpack.
const maxSBOMs = 10_000

// errSBOMs says that what should be SBOMs cannot be that.
var errSBOMs = errors.New("the SBOMs cannot be read")

// keepPreviousSBOM reads the SBOMs of the previous image and keeps them for restore.
// An image is somebody else's word: of its archive nothing is taken but the content
// of regular files where SBOMs of layers belong. The error wraps errSBOMs if the
// archive is no good.
func (j *job) keepPreviousSBOM(ctx context.Context, image imgutil.Image, diffID string) error {
	layer, err := image.GetLayer(diffID) // a previousImage, which bounds it
	if err != nil {
		return fmt.Errorf("SBOMs of the previous image: %w", err)
	}
	defer layer.Close()
	dir := filepath.Join(j.Paths.State, sbomsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	skipped, err := unpackSBOMs(ctx, root, layer, j.Paths.Layers, maxSBOMs)
	if skipped > 0 {
		j.log.Warnf("The SBOM layer of the previous image has %d entries that are not SBOMs; they are left out", skipped)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("SBOMs of the previous image: %w", err), removal.Tree(root, "sbom"))
	}
	return nil
}

// unpackSBOMs takes the SBOMs of layers, up to max, out of an archive of sbom/launch
// below the directory layers. It returns how many entries have no business there.
func unpackSBOMs(ctx context.Context, root *os.Root, archive io.Reader, layers string, max int) (skipped int, err error) {
	entries := tar.NewReader(until.Reader(ctx, archive))
	for kept := 0; ; {
		header, err := entries.Next()
		switch {
		case err == io.EOF:
			return skipped, nil
		case err != nil:
			return skipped, badArchive(ctx, err)
		case header.Typeflag == tar.TypeDir:
			continue
		}
		name, ok := parseSBOMName(header.Name, "sbom", "launch")
		switch {
		case header.Typeflag == tar.TypeReg && ok:
		case header.Typeflag == tar.TypeReg && ofNoLayer(header.Name, layers):
			continue
		default:
			skipped++
			continue
		}
		if kept++; kept > max {
			return skipped, fmt.Errorf("%w: there are more than %d", errSBOMs, max)
		}
		if err := writeNew(root, path.Join(launchSBOM, name.String()), entries); err != nil {
			return skipped, badArchive(ctx, err)
		}
	}
}

// badArchive tells an archive that cannot be read from a disk that is full.
func badArchive(ctx context.Context, err error) error {
	var writing *os.PathError
	if ctx.Err() != nil || errors.As(err, &writing) {
		return err
	}
	return fmt.Errorf("%w: %w", errSBOMs, err)
}

// writeNew writes a file that others may read, in place of what is there, and the
// directories above it.
func writeNew(root *os.Root, name string, content io.Reader) (err error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := removal.Tree(root, name); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, content)
	return err
}

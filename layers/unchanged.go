package layers

import (
	"archive/tar"
	"context"
	"path/filepath"
)

// UnchangedRequest names a launch layer in a layers directory.
type UnchangedRequest struct {
	// LayersDir is the layers directory under the path that it has in app images.
	LayersDir string
	// StateDir is the one that Restore was given.
	StateDir string
	ID       LayerID
	// UID and GID own the entries of the app image's layers, Parent is that of
	// SaveRequest.
	UID, GID int
	Parent   func(*tar.Header)
}

// UnchangedLaunchLayer returns the diffID of the archive that a launch layer was
// restored from, if the layer is still what came out of it; then the app image's
// layer has the same diffID. It returns "" if the layer is another now, or was
// not restored. It reads the content of those files alone that may have changed
// behind their times, and is safe for concurrent use.
func UnchangedLaunchLayer(ctx context.Context, req UnchangedRequest) (string, error) {
	form := archiveForm{prefix: req.LayersDir, dir: req.ID.Dir(), normalized: true, uid: req.UID, gid: req.GID, parent: req.Parent}
	f := readFingerprint(req.StateDir, form.dir)
	if f == nil {
		return "", nil
	}
	if fits, err := f.fits(form, req.LayersDir); err != nil || !fits {
		return "", err
	}
	entries, root, err := listTree(filepath.Join(req.LayersDir, form.dir))
	if err != nil {
		return "", err
	}
	defer root.Close()
	verdict, err := f.compare(ctx, entries, root)
	if err != nil || !verdict.same {
		return "", err
	}
	return f.diffID, nil
}

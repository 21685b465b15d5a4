package layers

import (
	"archive/tar"
	"context"

	"github.com/pack-cache/pack-cache/layers/archive"
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
	form := archive.Form{
		LayersDir: req.LayersDir, Prefix: req.LayersDir, Dir: req.ID.Dir(),
		Normalized: true, UID: req.UID, GID: req.GID, Parent: req.Parent,
	}
	f := readFingerprint(req.StateDir, form.Dir)
	if f == nil {
		return "", nil
	}
	if fits, err := f.Fits(form); err != nil || !fits {
		return "", err
	}
	tree, err := archive.List(form)
	if err != nil {
		return "", err
	}
	defer tree.Close()
	verdict, err := f.Compare(ctx, tree)
	if err != nil || !verdict.Same {
		return "", err
	}
	return f.DiffID, nil
}

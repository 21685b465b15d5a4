package layers

import (
	"context"

	"github.com/pack-cache/pack-cache/layers/archive"
)

// Unchanged returns the diffID of the archive that a launch layer was restored from, if
// the layer is still what came out of it; then the app image's layer has the same
// diffID. It returns "" if the layer is another now, or was not restored. It reads the
// content of those files alone that may have changed behind their times, and is safe
// for concurrent use.
func (b Built) Unchanged(ctx context.Context, id LayerID) (string, error) {
	form := b.form(id.Dir(), true)
	f := readFingerprint(b.StateDir, form.Dir)
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

package sandbox

import (
	"context"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// RemoveStore removes the layer store with everything in it, whoever owns it:
// for an ordinary user with subordinate ids, what is in images belongs to
// those. Nobody may be using the store.
func (e *Engine) RemoveStore(ctx context.Context) error {
	h, err := e.ready(ctx)
	if err != nil {
		return err
	}
	return h.remove(ctx, h.identity, probeUser, h.stores.writable())
}

// remove removes a directory, whoever owns what is in it.
func (h *host) remove(ctx context.Context, id identity, u lifecycle.User, dir string) error {
	if err := removal.Path(dir); err == nil || !id.userNS() {
		return err
	}
	// In the namespace this user may remove what other ids own, and enter
	// directories that nobody may.
	if _, err := h.do(ctx, id, &job{Kind: jobRemove, Dir: dir, User: u}, nil); err != nil {
		return err
	}
	return removal.Path(dir)
}

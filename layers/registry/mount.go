package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// MountFrom makes a blob of another store available here without moving its
// bytes (distribution specification, "Mounting a blob from another
// repository"). It returns false without an error when that is not possible:
// from is not a repository of the same registry, the blob is not there, or the
// registry prefers not to; Push is the way then.
func (s *Store) MountFrom(ctx context.Context, from layers.Store, blob v1.Descriptor) (bool, error) {
	source, ok := from.(*Store)
	if !ok || source.repo.RegistryStr() != s.repo.RegistryStr() {
		return false, nil
	}
	c, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	if source.repo.RepositoryStr() == s.repo.RepositoryStr() {
		_, ok, err := c.stat(ctx, "push", blob.Digest, c.push())
		return ok, err
	}
	return c.mount(ctx, source.repo, blob.Digest)
}

func (c *client) mount(ctx context.Context, from name.Repository, digest v1.Hash) (bool, error) {
	k := c.beginCall(url.Values{"mount": {digest.String()}, "from": {from.RepositoryStr()}}, from.Scope(transport.PullScope))
	resp, err := c.send(ctx, k)
	if errors.Is(err, layers.ErrDenied) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch resp.StatusCode {
	case http.StatusCreated:
		web.Drop(resp)
		return true, nil
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		web.Drop(resp)
		return false, nil
	}
	// The registry opened an upload instead.
	session, err := c.session(resp, k)
	if err != nil {
		return false, err
	}
	c.cancel(ctx, session)
	return false, nil
}

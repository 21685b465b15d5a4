package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

var (
	_ layers.Deleter    = (*Store)(nil)
	_ layers.AllDeleter = (*Store)(nil)
)

// Delete implements layers.Deleter (distribution specification, "Deleting tags"
// and "Deleting Manifests"). Many registries can delete only a manifest, and
// with it all of its tags; that is not done if there is another one. The blobs go
// when the registry collects its garbage.
func (s *Store) Delete(ctx context.Context, name string, digest v1.Hash) error {
	return s.DeleteAll(ctx, []string{name}, digest)
}

// DeleteAll implements layers.AllDeleter.
func (s *Store) DeleteAll(ctx context.Context, names []string, digest v1.Hash) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.checkName(name); err != nil {
			return err
		}
		now, err := c.stands(ctx, "delete", name, c.pull())
		switch {
		case err != nil:
			return err
		case now == v1.Hash{}:
			return (&failure{op: "delete", subject: c.subject(name), status: http.StatusNotFound}).classify(false, nil)
		case now != digest:
			return &failure{op: "delete", subject: c.subject(name), cause: layers.ErrConflict}
		}
	}
	for i, name := range names {
		done, err := c.deleteTag(ctx, name)
		if err != nil {
			return err
		}
		if !done {
			return c.deleteManifest(ctx, names[i:], digest)
		}
	}
	return nil
}

// deleteManifest deletes a manifest, whose names are these and no others.
func (c *client) deleteManifest(ctx context.Context, names []string, digest v1.Hash) error {
	if err := c.refuseShared(ctx, names, digest); err != nil {
		return err
	}
	resp, err := c.deletion(ctx, digest.String())
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return c.undeleted(resp, names[0])
	}
	web.Drop(resp)
	return nil
}

// deleteTag deletes a tag alone, and returns false where the registry has no such
// thing.
func (c *client) deleteTag(ctx context.Context, name string) (bool, error) {
	resp, err := c.deletion(ctx, name)
	if err != nil {
		return false, err
	}
	switch {
	case resp.StatusCode/100 == 2:
		web.Drop(resp)
		// docker-registry may say so and do nothing.
		still, err := c.stands(ctx, "delete", name, c.pull())
		return err == nil && still == v1.Hash{}, err
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return false, c.undeleted(resp, name)
	}
	web.Drop(resp)
	return false, nil
}

// refuseShared fails if a tag besides names would go with the manifest.
func (c *client) refuseShared(ctx context.Context, names []string, digest v1.Hash) error {
	tags, err := c.tags(ctx)
	if err != nil {
		return err
	}
	for _, other := range tags {
		if slices.Contains(names, other) {
			continue
		}
		same, err := c.stands(ctx, "delete", other, c.pull())
		if err != nil {
			return err
		}
		if same == digest {
			return &failure{op: "delete", subject: c.subject(names[0]),
				cause: fmt.Errorf("the registry can only delete manifest %s, and that is what %s stands for, too", digest, other),
				hint:  "delete both, or neither"}
		}
	}
	return nil
}

// deleteScope is the action of deleting alone; that of go-containerregistry's
// name includes pushing.
const deleteScope = "delete"

func (c *client) deletion(ctx context.Context, reference string) (*http.Response, error) {
	return c.send(ctx, call{op: "delete", method: http.MethodDelete, url: c.url("manifests", reference),
		scopes: []string{c.repo.Scope(transport.PullScope), c.repo.Scope(deleteScope)}})
}

// undeleted is the failure of a deletion.
func (c *client) undeleted(resp *http.Response, name string) error {
	err := c.answered(resp, "delete", c.subject(name))
	if f, ok := errors.AsType[*failure](err); ok && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusBadRequest) {
		f.hint = fmt.Sprintf("%s does not let clients delete: switch that on, or delete with the registry's own tools", c.repo.RegistryStr())
	}
	return err
}

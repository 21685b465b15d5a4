package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Referrers = (*Store)(nil)

// maxPages bounds how long a list of referrers is followed.
const maxPages = 50

// Referrers implements layers.Referrers (distribution specification, "Listing
// Referrers"). Where the registry has no such list, it is the one that clients
// keep under a tag.
func (s *Store) Referrers(ctx context.Context, subject v1.Hash, artifactType string) ([]v1.Descriptor, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	all, ok, err := c.referrers(ctx, subject, artifactType)
	if err != nil {
		return nil, err
	}
	if !ok {
		index, err := c.fallback(ctx, subject)
		if err != nil {
			return nil, err
		}
		all = index.Manifests
	}
	var wanted []v1.Descriptor
	for _, d := range all {
		if d.ArtifactType == artifactType && d.Digest.Algorithm == "sha256" {
			wanted = append(wanted, d)
		}
	}
	return wanted, nil
}

// referrers asks the registry itself, which may filter or not. ok is false if it
// does not know such lists.
func (c *client) referrers(ctx context.Context, subject v1.Hash, artifactType string) (all []v1.Descriptor, ok bool, err error) {
	next := c.url("referrers", subject.String())
	next.RawQuery = url.Values{"artifactType": {artifactType}}.Encode()
	for range maxPages {
		resp, err := c.send(ctx, call{op: "pull", method: http.MethodGet, url: next, scopes: c.pull(),
			header: http.Header{"Accept": {string(types.OCIImageIndex)}, "Accept-Encoding": {"identity"}}})
		if err != nil {
			return nil, false, err
		}
		index, known, err := c.referrersPage(ctx, resp, subject)
		if err != nil || !known {
			return nil, false, err
		}
		all = append(all, index.Manifests...)
		if next = c.following(next, resp.Header.Get("Link")); next == nil {
			break
		}
	}
	return all, true, nil
}

// referrersPage reads one page of a list. known is false if the answer is something else.
func (c *client) referrersPage(ctx context.Context, resp *http.Response, subject v1.Hash) (index v1.IndexManifest, known bool, err error) {
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch {
	case resp.StatusCode == http.StatusOK && strings.TrimSpace(mediaType) == string(types.OCIImageIndex):
	case resp.StatusCode/100 == 2, resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests:
		web.Drop(resp)
		return index, false, nil
	default:
		return index, false, c.answered(resp, "pull", c.subject(subject.String()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest))
	if err == nil {
		err = bounds.JSON(body, &index)
	}
	if err != nil && ctx.Err() != nil {
		return index, false, ctx.Err()
	}
	if err != nil {
		return index, false, &failure{op: "list what refers to", subject: c.subject(subject.String()), cause: bare(err)}
	}
	return index, true, nil
}

// fallbackTag is the tag under which clients list the referrers of a manifest
// (distribution specification, "Referrers Tag Schema").
func fallbackTag(subject v1.Hash) string { return subject.Algorithm + "-" + subject.Hex }

// fallback reads the list under the tag; an empty one if there is none. One that
// is lost or broken is a *layers.DamagedError.
func (c *client) fallback(ctx context.Context, subject v1.Hash) (*v1.IndexManifest, error) {
	tag := fallbackTag(subject)
	desc, raw, err := c.manifest(ctx, tag)
	if errors.Is(err, layers.ErrNotFound) {
		return emptyIndex(), nil
	}
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil || desc.MediaType != types.OCIImageIndex {
		return nil, &failure{op: "list what refers to", subject: c.subject(subject.String()),
			cause: errors.New("tag " + tag + " is not a list of what refers to images"), hint: "delete the tag " + tag}
	}
	return index, nil
}

// emptyIndex is a list of referrers with nothing in it.
func emptyIndex() *v1.IndexManifest {
	return &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
}

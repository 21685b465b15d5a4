package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// maxManifest is how large a manifest may be. The distribution specification
// lets registries stop at 4 MiB ("Pushing manifests").
const maxManifest = 4 << 20

// accept names the manifests that we read. A registry turns an image into
// something else, such as Docker's schema 1, for a client that does not say.
var accept = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}, ", ")

// Resolve implements layers.Store. name is a tag or a digest.
func (s *Store) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	if err := s.checkName(name); err != nil {
		return v1.Descriptor{}, nil, err
	}
	c, err := s.connect(ctx)
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	return c.manifest(ctx, name)
}

// manifest reads a manifest and checks it against its digest.
func (c *client) manifest(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	subject := c.subject(name)
	k := call{op: "pull", method: http.MethodGet, url: c.url("manifests", name), scopes: c.pull(),
		header: http.Header{"Accept": {accept}, "Accept-Encoding": {"identity"}}}
	var resp *http.Response
	var body []byte
	err := c.rule.Do(ctx, func() (again bool, err error) {
		if resp, err = c.send(ctx, k); err != nil {
			return false, err
		}
		if resp.StatusCode != http.StatusOK {
			return false, c.answered(resp, k.op, subject)
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
		return err != nil && web.Transient(err), err
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return v1.Descriptor{}, nil, ctx.Err()
	case err != nil:
		if _, ok := errors.AsType[*failure](err); !ok {
			err = &failure{op: k.op, subject: subject, cause: bare(err)}
		}
		return v1.Descriptor{}, nil, asDamaged(subject, name, err)
	case len(body) > maxManifest:
		return v1.Descriptor{}, nil, &failure{op: k.op, subject: subject, cause: errors.New("the manifest is larger than 4 MiB")}
	}
	digest, size, _ := v1.SHA256(bytes.NewReader(body))
	if err := agree(digest, name, resp.Header.Get("Docker-Content-Digest")); err != nil {
		return v1.Descriptor{}, nil, damaged(subject, "its manifest is broken: "+err.Error(), name, resp.Header.Get("Docker-Content-Digest"))
	}
	return v1.Descriptor{MediaType: mediaType(resp.Header.Get("Content-Type"), body), Digest: digest, Size: size}, body, nil
}

// agree checks a digest against those that others claim; a claim that is not
// a sha256 digest (a tag, or nothing) is ignored.
func agree(digest v1.Hash, claims ...string) error {
	for _, claim := range claims {
		if h, err := v1.NewHash(claim); err == nil && h.Algorithm == digest.Algorithm && h != digest {
			return fmt.Errorf("the content has digest %s instead of %s", digest, h)
		}
	}
	return nil
}

// mediaType is the type that the registry gave a manifest, or else the one that
// the manifest gives itself.
func mediaType(header string, body []byte) types.MediaType {
	header, _, _ = strings.Cut(header, ";")
	if t := types.MediaType(strings.TrimSpace(header)); t.IsImage() || t.IsIndex() {
		return t
	}
	var self struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if bounds.JSON(body, &self) == nil && self.MediaType != "" {
		return self.MediaType
	}
	return types.MediaType(header)
}

// Commit implements layers.Store. Registries cannot compare and swap a tag, so
// that a conflict is found by looking just before: two builds that commit in
// the same instant can both succeed, and the name then stands for the manifest
// that came last, which is whole. A manifest that name stands for already is
// not sent again.
func (s *Store) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	if err := s.checkName(name); err != nil {
		return v1.Descriptor{}, err
	}
	c, err := s.connect(ctx)
	if err != nil {
		return v1.Descriptor{}, err
	}
	digest, size, _ := v1.SHA256(bytes.NewReader(manifest))
	desc := v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: digest, Size: size}
	if err := agree(digest, name); err != nil {
		return v1.Descriptor{}, &failure{op: "push", subject: c.subject(name), cause: err}
	}
	now, err := c.stands(ctx, "push", name, c.push())
	if f, ok := errors.AsType[*failure](err); ok && f.status == http.StatusInternalServerError && previous == unreadable(name) {
		now, err = previous, nil // still, and everything else works
	}
	switch {
	case err != nil:
		return v1.Descriptor{}, err
	case now == digest:
		return desc, nil
	case now != previous:
		return v1.Descriptor{}, &failure{op: "push", subject: c.subject(name), cause: layers.ErrConflict}
	}
	if _, err := c.putManifest(ctx, name, desc, manifest); err != nil {
		return v1.Descriptor{}, err
	}
	return desc, nil
}

// stands returns the digest that name stands for, the zero Hash if for none. op
// is for errors.
func (c *client) stands(ctx context.Context, op, name string, scopes []string) (v1.Hash, error) {
	k := call{op: op, method: http.MethodHead, url: c.url("manifests", name), scopes: scopes,
		header: http.Header{"Accept": {accept}}}
	resp, err := c.send(ctx, k)
	if err != nil {
		return v1.Hash{}, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		resp.Body.Close()
		if h, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest")); err == nil && h.Algorithm == "sha256" {
			return h, nil
		}
		desc, _, err := c.manifest(ctx, name)
		if broken := layers.AsDamaged(err); broken != nil {
			return broken.Digest, nil
		}
		return desc.Digest, err
	case http.StatusNotFound:
		resp.Body.Close()
		return v1.Hash{}, nil
	}
	return v1.Hash{}, c.answered(resp, k.op, c.subject(name))
}

// putManifest stores a manifest under a tag or its digest, and returns the
// header of the answer.
func (c *client) putManifest(ctx context.Context, name string, desc v1.Descriptor, manifest []byte) (http.Header, error) {
	k := call{op: "push", method: http.MethodPut, url: c.url("manifests", name), scopes: c.push(), body: manifest,
		header: http.Header{"Content-Type": {string(desc.MediaType)}}}
	var resp *http.Response
	err := c.rule.Do(ctx, func() (again bool, err error) {
		if resp, err = c.send(ctx, k); err != nil || resp.StatusCode == http.StatusCreated {
			return false, err
		}
		err = c.answered(resp, k.op, c.subject(name))
		return halfWritten(err), err
	})
	if err != nil {
		return nil, err
	}
	web.Drop(resp)
	if err := agree(desc.Digest, resp.Header.Get("Docker-Content-Digest")); err != nil {
		return nil, &failure{op: k.op, subject: c.subject(name), cause: fmt.Errorf("the registry stored something else: %w", err)}
	}
	return resp.Header, nil
}

// halfWritten reports whether a registry refused a manifest because it was just
// writing down, for somebody else, that it has one of the blobs: distribution 2
// then reads an empty file instead of the blob's digest. A blob that is really
// missing is no DIGEST_INVALID.
func halfWritten(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.status == http.StatusBadRequest && strings.Contains(f.said, "DIGEST_INVALID") && strings.Contains(f.said, "MANIFEST_BLOB_UNKNOWN")
}

// subject is how errors name a manifest or a blob.
func (c *client) subject(name string) string {
	if strings.Contains(name, ":") {
		return c.repo.Name() + "@" + name
	}
	return c.repo.Name() + ":" + name
}

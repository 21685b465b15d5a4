package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/web"
)

// Resolve implements layers.Store. Of several names, the first that stands for
// something counts.
func (s *Store) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	var first error
	for _, one := range Names(name) {
		found, err := s.read(ctx, one)
		if err == nil {
			return found.desc, found.raw, nil
		}
		if first == nil {
			first = err
		}
		if !missing(err) {
			return v1.Descriptor{}, nil, s.failed(ctx, "read", err)
		}
	}
	return v1.Descriptor{}, nil, s.failed(ctx, "read", first)
}

// manifest is what a single name stands for.
type manifest struct {
	desc v1.Descriptor
	raw  []byte
	info Info
}

// read reads what a single name stands for.
func (s *Store) read(ctx context.Context, name string) (manifest, error) {
	if err := ctx.Err(); err != nil {
		return manifest{}, err
	}
	var m manifest
	var err error
	err = web.Rule{}.Do(ctx, func() (again bool, err error) {
		m.raw, m.info, err = s.readAll(ctx, s.manifestKey(name))
		_, answered := errors.AsType[*Error](err)
		return err != nil && !answered && web.Transient(err), err
	})
	if err != nil {
		return manifest{}, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(m.raw))
	m.desc = v1.Descriptor{MediaType: mediaType(m.info.ContentType, m.raw), Digest: digest, Size: size}
	return m, err
}

// readAll reads a small object. A transfer that breaks off is no *Error.
func (s *Store) readAll(ctx context.Context, key string) ([]byte, Info, error) {
	body, info, err := s.config.Service.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, Info{}, err
	}
	defer body.Close()
	raw, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err == nil && len(raw) > maxManifest {
		err = &Error{Status: 200, Code: "TooLarge", Message: fmt.Sprintf("it is larger than %d bytes", maxManifest)}
	}
	return raw, info, err
}

// mediaType is the type that a manifest gives itself, or else the one that it was
// stored with.
func mediaType(stored string, raw []byte) types.MediaType {
	var self struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if bounds.JSON(raw, &self) == nil && self.MediaType != "" {
		return self.MediaType
	}
	return types.MediaType(stored)
}

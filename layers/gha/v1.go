package gha

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// v1 is version 1 of the service.
type v1service struct {
	*client
	base string // with the slash at the end
}

// acceptV1 names the version of the interface.
const acceptV1 = "application/json;api-version=6.0-preview.1"

func (s *v1service) call(op, what, method, path string) call {
	return call{op: op, what: what, method: method, url: s.base + "_apis/artifactcache/" + path, header: http.Header{"Accept": {acceptV1}}}
}

// find implements service.
func (s *v1service) find(ctx context.Context, keys ...string) (*entry, error) {
	query := url.Values{"keys": {strings.Join(keys, ",")}, "version": {entryVersion}}
	var found struct{ ArchiveLocation, CacheKey string }
	err := s.ask(ctx, s.call("find", keys[0], http.MethodGet, "cache?"+query.Encode()), nil, &found, http.StatusOK, http.StatusNoContent)
	if err != nil || found.ArchiveLocation == "" {
		return nil, err
	}
	return &entry{key: found.CacheKey, url: found.ArchiveLocation}, nil
}

// reserve implements service.
func (s *v1service) reserve(ctx context.Context, key string) (upload, error) {
	in := map[string]string{"key": key, "version": entryVersion}
	var out struct{ CacheID int64 }
	if err := s.ask(ctx, s.call("write", key, http.MethodPost, "caches"), in, &out, http.StatusOK, http.StatusCreated); err != nil {
		return nil, err
	}
	if out.CacheID == 0 {
		return nil, &failure{op: "write", what: key, cause: errTaken}
	}
	return &uploadV1{s, key, "caches/" + strconv.FormatInt(out.CacheID, 10)}, nil
}

// uploadV1 is an entry that is being written.
type uploadV1 struct {
	*v1service
	key, path string
}

func (u *uploadV1) part(ctx context.Context, _ int, offset int64, content []byte) error {
	k := u.call("write", u.key, http.MethodPatch, u.path)
	k.service, k.body = true, content
	k.header.Set("Content-Type", "application/octet-stream")
	k.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/*", offset, offset+int64(len(content))-1))
	return u.store(ctx, k)
}

func (u *uploadV1) end(ctx context.Context, _ int, size int64) error {
	return u.ask(ctx, u.call("write", u.key, http.MethodPost, u.path), map[string]int64{"size": size}, nil,
		http.StatusOK, http.StatusCreated, http.StatusNoContent)
}

func (u *uploadV1) whole(ctx context.Context, content []byte) error {
	if err := u.part(ctx, 0, 0, content); err != nil {
		return err
	}
	return u.end(ctx, 1, int64(len(content)))
}

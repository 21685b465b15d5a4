package gha

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pack-cache/pack-cache/layers"
)

// v2service is version 2 of the service: twirp, and signed URLs of block blobs.
type v2service struct {
	*client
	base string // with the slash at the end
}

// rpc calls a method of the service.
func (s *v2service) rpc(ctx context.Context, op, key, method string, in, out any) error {
	k := call{op: op, what: key, method: http.MethodPost, url: s.base + "twirp/github.actions.results.api.v1.CacheService/" + method}
	return s.ask(ctx, k, in, out, http.StatusOK)
}

// find implements service.
func (s *v2service) find(ctx context.Context, keys ...string) (*entry, error) {
	in := map[string]any{"key": keys[0], "restore_keys": keys, "version": entryVersion}
	var found struct {
		OK                bool
		SignedDownloadURL string `json:"signed_download_url"`
		MatchedKey        string `json:"matched_key"`
	}
	err := s.rpc(ctx, "find", keys[0], "GetCacheEntryDownloadURL", in, &found)
	if errors.Is(err, layers.ErrNotFound) {
		return nil, nil
	}
	if err != nil || !found.OK || found.SignedDownloadURL == "" {
		return nil, err
	}
	return &entry{key: found.MatchedKey, url: found.SignedDownloadURL}, nil
}

// reserve implements service.
func (s *v2service) reserve(ctx context.Context, key string) (upload, error) {
	var out struct {
		OK              bool
		SignedUploadURL string `json:"signed_upload_url"`
		Message         string
	}
	in := map[string]string{"key": key, "version": entryVersion}
	if err := s.rpc(ctx, "write", key, "CreateCacheEntry", in, &out); err != nil {
		return nil, err
	}
	if !out.OK {
		f := (&failure{op: "write", what: key, said: s.redact(printable(out.Message))}).classify()
		if f.cause == nil {
			f.cause = errTaken
		}
		return nil, f
	}
	at, err := url.Parse(out.SignedUploadURL)
	if err != nil || at.Host == "" {
		return nil, &failure{op: "write", what: key, cause: errors.New("the service did not say where to upload to")}
	}
	return &uploadV2{s, key, at}, nil
}

// uploadV2 is an entry that is being written: a block blob (Azure Blob Storage,
// "Put Blob", "Put Block", "Put Block List").
type uploadV2 struct {
	*v2service
	key string
	at  *url.URL
}

// put sends something to the blob.
func (u *uploadV2) put(ctx context.Context, query url.Values, header http.Header, content []byte) error {
	at := *u.at
	if len(query) > 0 {
		// What is there is signed: it stays as it is.
		at.RawQuery = strings.Trim(at.RawQuery+"&"+query.Encode(), "&")
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("x-ms-version", "2020-10-02")
	header.Set("Content-Type", "application/octet-stream")
	return u.store(ctx, call{op: "write", what: u.key, method: http.MethodPut, url: at.String(), header: header, body: content})
}

func blockID(number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%08d", number))
}

func (u *uploadV2) part(ctx context.Context, number int, _ int64, content []byte) error {
	return u.put(ctx, url.Values{"comp": {"block"}, "blockid": {blockID(number)}}, nil, content)
}

func (u *uploadV2) end(ctx context.Context, parts int, size int64) error {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string
	}
	for number := range parts {
		list.Latest = append(list.Latest, blockID(number))
	}
	text, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	if err := u.put(ctx, url.Values{"comp": {"blocklist"}}, nil, text); err != nil {
		return err
	}
	return u.finalize(ctx, size)
}

func (u *uploadV2) whole(ctx context.Context, content []byte) error {
	if err := u.put(ctx, nil, http.Header{"X-Ms-Blob-Type": {"BlockBlob"}}, content); err != nil {
		return err
	}
	return u.finalize(ctx, int64(len(content)))
}

func (u *uploadV2) finalize(ctx context.Context, size int64) error {
	// 64-bit integers are strings in JSON (protobuf, "JSON Mapping").
	in := map[string]string{"key": u.key, "version": entryVersion, "size_bytes": strconv.FormatInt(size, 10)}
	var out struct {
		OK      bool
		Message string
	}
	err := u.rpc(ctx, "write", u.key, "FinalizeCacheEntryUpload", in, &out)
	if err != nil || out.OK {
		return err
	}
	f := (&failure{op: "write", what: u.key, said: u.redact(printable(out.Message))}).classify()
	if f.cause == nil {
		f.cause = errors.New("the service did not take the upload")
	}
	return f
}

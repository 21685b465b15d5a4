package quirks

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/web"
)

// maxManifest is how large a manifest may be. The distribution specification
// lets registries stop at 4 MiB ("Pushing manifests").
const maxManifest = 4 << 20

const digestHeader = "Docker-Content-Digest"

// headManifest asks with GET where the answer to HEAD does not say what it has
// to, and where it says that there is no manifest and the registry has not yet
// shown that it knows HEAD.
func (t *transport) headManifest(req *http.Request, resp *http.Response) (*http.Response, error) {
	host := req.URL.Host
	switch status := resp.StatusCode; {
	case status == http.StatusOK && complete(resp):
		t.heads.Store(host, true)
		return resp, nil
	case status == http.StatusNotFound:
		if _, known := t.heads.Load(host); known {
			return resp, nil
		}
	case status != http.StatusOK && !strange(status):
		return resp, nil
	}
	web.Drop(resp)
	got, asked, err := t.ask(req, http.MethodGet, "", nil)
	if err == nil {
		got, err = getManifest(asked, got)
	}
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	size := got.ContentLength
	if got.StatusCode == http.StatusOK {
		body, err := readManifest(got)
		if err != nil {
			return nil, err
		}
		digest, _, _ := v1.SHA256(bytes.NewReader(body))
		got.Header.Set(digestHeader, digest.String())
		size = int64(len(body))
		got.Header.Set("Content-Length", strconv.FormatInt(size, 10))
	}
	got.Request, got.Body, got.ContentLength = req, http.NoBody, size
	return got, nil
}

// strange says whether a status can mean that the registry does not know HEAD.
func strange(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return 400 <= status && status < 500 || status == http.StatusNotImplemented || status == http.StatusNoContent
}

// complete says whether an answer to HEAD tells what the manifest is.
func complete(resp *http.Response) bool {
	_, err := v1.NewHash(resp.Header.Get(digestHeader))
	return err == nil && typed(resp) && resp.ContentLength >= 0
}

// typed says whether an answer names the type of a manifest.
func typed(resp *http.Response) bool {
	named, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.HasPrefix(strings.TrimSpace(named), "application/vnd.")
}

// getManifest gives an answer the type that the manifest itself has, if it names
// none, and tells a manifest from a web page.
func getManifest(req *http.Request, resp *http.Response) (*http.Response, error) {
	switch {
	case resp.StatusCode != http.StatusOK:
		return absence(resp, "MANIFEST_UNKNOWN")
	case typed(resp):
		return resp, nil
	}
	body, err := readManifest(resp)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if page(resp.Header.Get("Content-Type"), body) {
		return nil, &AnswerError{req.URL.Host, resp.StatusCode, "with a web page instead of a manifest"}
	}
	if found := ownType(body); found != "" {
		resp.Header.Set("Content-Type", string(found))
	}
	setBody(resp, body)
	return resp, nil
}

func readManifest(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err == nil && len(body) > maxManifest {
		err = errors.New("the manifest is larger than 4 MiB")
	}
	return body, err
}

// ownType is the type of a manifest as it says itself, or as its content tells
// where it need not say (OCI image specification, "Image Manifest"); "" if it is
// none.
func ownType(body []byte) types.MediaType {
	var self struct {
		MediaType types.MediaType  `json:"mediaType"`
		Manifests *json.RawMessage `json:"manifests"`
		Layers    *json.RawMessage `json:"layers"`
	}
	switch err := json.Unmarshal(body, &self); {
	case err != nil:
		return ""
	case self.MediaType != "":
		return self.MediaType
	case self.Manifests != nil:
		return types.OCIImageIndex
	case self.Layers != nil:
		return types.OCIManifestSchema1
	}
	return ""
}

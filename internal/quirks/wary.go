package quirks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// Wary returns a transport for libraries that read whole answers into memory: what
// is no layer has bounds. Manifests, configs, lists, tokens and errors end with an
// error that wraps bounds.ErrExceeded when they are too large. A manifest that was
// asked for by tag ends with an *AnswerError if it has another digest than the answer
// says. It is safe for concurrent use.
func Wary(inner http.RoundTripper) http.RoundTripper { return &wary{inner: inner} }

type wary struct {
	inner http.RoundTripper
	// configs has the digests of configs, of which manifests have told.
	configs sync.Map
}

// RoundTrip implements http.RoundTripper.
func (w *wary) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.inner.RoundTrip(req)
	if err != nil || resp.Body == nil || req.Method == http.MethodHead {
		return resp, err
	}
	at, ok := endpointOf(req.URL)
	switch {
	case resp.StatusCode >= 400:
		resp.Body = bounds.Document(resp.Body, "the answer")
	case ok && at.kind == manifests && req.Method == http.MethodGet:
		resp.Body = &manifestBody{ReadCloser: bounds.Document(resp.Body, "the manifest"), of: w, host: req.URL.Host, digest: digestSaid(req, resp)}
	case ok && at.kind == blobs:
		if _, config := w.configs.Load(path.Base(req.URL.Path)); config {
			resp.Body = bounds.Document(resp.Body, "the config")
		}
	case ok:
	case aboutImages(req), strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json"):
		resp.Body = bounds.Document(resp.Body, "the answer")
	default:
		// A redirect has led from a blob to where it is (distribution specification,
		// "Pulling blobs").
		for r := req; r.Response != nil && r.Response.Request != nil; {
			r = r.Response.Request
			if _, config := w.configs.Load(path.Base(r.URL.Path)); config {
				resp.Body = bounds.Document(resp.Body, "the config")
				break
			}
		}
	}
	return resp, nil
}

// aboutImages says whether a request is for what a registry says of images, or for a
// token.
func aboutImages(req *http.Request) bool {
	query := req.URL.Query()
	return strings.HasPrefix(req.URL.Path, "/v2/") || req.Method == http.MethodPost || query.Has("service") || query.Has("scope")
}

// digestSaid is the digest that an answer gives for a manifest, empty if it gives
// none or if the request had one, which is compared by who asked.
func digestSaid(req *http.Request, resp *http.Response) string {
	if _, err := v1.NewHash(path.Base(req.URL.Path)); err == nil {
		return ""
	}
	said, err := v1.NewHash(resp.Header.Get(digestHeader))
	if err != nil || said.Algorithm != "sha256" {
		return ""
	}
	return said.String()
}

// manifestBody looks at a manifest when it has been read to its end.
type manifestBody struct {
	io.ReadCloser
	of           *wary
	host, digest string
	read         []byte
}

// Read implements io.Reader.
func (b *manifestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read = append(b.read, p[:n]...)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	sum := sha256.Sum256(b.read)
	if is := "sha256:" + hex.EncodeToString(sum[:]); b.digest != "" && b.digest != is {
		return n, &AnswerError{b.host, http.StatusOK, fmt.Sprintf("the manifest that came is %s instead of %s: it was damaged in the registry or on its way", is, b.digest)}
	}
	var manifest struct {
		Config struct {
			Digest string `json:"digest"`
		} `json:"config"`
	}
	if bounds.JSON(b.read, &manifest) == nil && manifest.Config.Digest != "" {
		b.of.configs.Store(manifest.Config.Digest, true)
	}
	return n, err
}

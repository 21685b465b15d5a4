package quirks

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
)

// putManifest takes 201 for what it says, unless the digest is another one. Any
// other success is one if the manifest is there.
func (t *transport) putManifest(req *http.Request, at endpoint, resp *http.Response) (*http.Response, error) {
	sent, err := digestOf(req)
	if err != nil {
		return resp, nil // the body cannot be read again
	}
	stored, err := v1.NewHash(resp.Header.Get(digestHeader))
	switch status := resp.StatusCode; {
	case status == http.StatusCreated && err == nil && stored.Algorithm == sent.Algorithm && stored != sent:
		web.Drop(resp)
		return nil, &AnswerError{req.URL.Host, status, "it has stored " + stored.String() + " instead of " + sent.String()}
	case !vague(status):
		return redirected(resp), nil
	}
	web.Drop(resp)
	err = await(req, resp.StatusCode, "manifest", func() (bool, error) {
		got, asked, err := t.ask(req, http.MethodHead, "", http.Header{"Accept": req.Header["Content-Type"]})
		if err == nil {
			got, err = t.headManifest(asked, got)
		}
		if err != nil {
			return false, err
		}
		web.Drop(got)
		return got.StatusCode == http.StatusOK && got.Header.Get(digestHeader) == sent.String(), nil
	})
	if err != nil {
		return nil, err
	}
	resp.Header.Set(digestHeader, sent.String())
	return created(resp), nil
}

// upload makes the answers to the requests of an upload those of the
// specification ("Pushing a blob").
func (t *transport) upload(req *http.Request, at endpoint, resp *http.Response) (*http.Response, error) {
	location := resp.Header.Get("Location")
	digest := req.URL.Query().Get("digest")
	switch status := resp.StatusCode; {
	case status/100 == 3:
		return redirected(resp), nil
	case req.Method == http.MethodPost && vague(status) && strings.Contains(location, "/uploads/"):
		setStatus(resp, http.StatusAccepted)
	case req.Method == http.MethodPatch && status == http.StatusOK:
		setStatus(resp, http.StatusAccepted)
	case req.Method == http.MethodPut && vague(status) && digest != "":
		web.Drop(resp)
		if err := await(req, status, "blob", func() (bool, error) { return t.has(req, at, digest) }); err != nil {
			return nil, err
		}
		return created(resp), nil
	}
	if req.Method == http.MethodPatch && resp.StatusCode/100 == 2 && location == "" {
		resp.Header.Set("Location", req.URL.String()) // the session goes on where it was
	}
	return resp, nil
}

// vague says whether a status is a success that does not say what it was.
func vague(status int) bool {
	return status == http.StatusOK || status == http.StatusAccepted || status == http.StatusNoContent
}

func created(resp *http.Response) *http.Response {
	setStatus(resp, http.StatusCreated)
	setBody(resp, nil)
	return resp
}

// redirected keeps a redirect from turning a push into a GET (RFC 9110, sections
// 15.4.2, 15.4.3, 15.4.8 and 15.4.9).
func redirected(resp *http.Response) *http.Response {
	switch resp.StatusCode {
	case http.StatusMovedPermanently:
		setStatus(resp, http.StatusPermanentRedirect)
	case http.StatusFound:
		setStatus(resp, http.StatusTemporaryRedirect)
	}
	return resp
}

// await waits a little for what a registry may still be about to store. It fails with
// an *AnswerError if that does not appear; status is the answer that left it open.
func await(req *http.Request, status int, what string, there func() (bool, error)) error {
	missing := &AnswerError{req.URL.Host, status, "the " + what + " is not there"}
	err := web.Rule{Attempts: 5, First: 100 * time.Millisecond}.Do(req.Context(), func() (again bool, err error) {
		ok, err := there()
		if ok || err != nil {
			return false, err
		}
		return true, missing
	})
	if errors.Is(err, missing) {
		return missing
	}
	return err
}

// has says whether the repository has a blob.
func (t *transport) has(req *http.Request, at endpoint, digest string) (bool, error) {
	resp, asked, err := t.ask(req, http.MethodHead, at.repository+"/blobs/"+digest, nil)
	if err == nil {
		resp, err = t.headBlob(asked, resp)
	}
	if err != nil {
		return false, err
	}
	web.Drop(resp)
	return resp.StatusCode == http.StatusOK || resp.StatusCode/100 == 3, nil
}

// headBlob asks for the first byte of a blob where a registry does not know HEAD.
func (t *transport) headBlob(req *http.Request, resp *http.Response) (*http.Response, error) {
	if !strange(resp.StatusCode) || resp.StatusCode == http.StatusNotFound {
		return resp, nil
	}
	web.Drop(resp)
	got, _, err := t.ask(req, http.MethodGet, "", http.Header{"Range": {"bytes=0-0"}, "Accept-Encoding": {"identity"}})
	if err == nil {
		got, err = absence(got, "BLOB_UNKNOWN")
	}
	if err != nil {
		return nil, err
	}
	got.Body.Close()
	switch got.StatusCode {
	case http.StatusPartialContent:
		_, whole, _ := strings.Cut(got.Header.Get("Content-Range"), "/")
		if got.ContentLength, err = strconv.ParseInt(whole, 10, 64); err != nil {
			got.ContentLength = -1
		}
		setStatus(got, http.StatusOK)
	case http.StatusRequestedRangeNotSatisfiable:
		got.ContentLength = 0 // there is no first byte
		setStatus(got, http.StatusOK)
	}
	got.Request, got.Body = req, http.NoBody
	return got, nil
}

// digestOf is the digest of what a request sends.
func digestOf(req *http.Request) (v1.Hash, error) {
	if req.GetBody == nil {
		return v1.Hash{}, errors.New("the body cannot be read again")
	}
	body, err := req.GetBody()
	if err != nil {
		return v1.Hash{}, err
	}
	defer body.Close()
	digest, _, err := v1.SHA256(io.LimitReader(body, maxManifest))
	return digest, err
}

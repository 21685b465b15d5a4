package quirks_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/quirks"
)

// always gives the same answer to every request, and counts them.
type always struct {
	status         int
	header         http.Header
	body           string
	asked, allowed int
	t              *testing.T
}

// RoundTrip implements http.RoundTripper.
func (a *always) RoundTrip(req *http.Request) (*http.Response, error) {
	if a.asked++; a.asked > a.allowed {
		a.t.Errorf("%s %s is request %d", req.Method, req.URL, a.asked)
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header.Clone(), Request: req, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(a.body)), Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// FuzzAnswers has a registry answer anything to the requests of a pull and a push. A
// manifest is what its digest says, and one answer costs few requests.
func FuzzAnswers(f *testing.F) {
	const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`
	digest, _, _ := v1.SHA256(strings.NewReader(manifest))
	paths := []string{"/v2/", "/v2/a/manifests/latest", "/v2/a/manifests/" + digest.String(), "/v2/a/b/blobs/" + digest.String(), "/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?digest=" + digest.String(), "/v2/blobs/manifests/x", "/elsewhere"}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete}
	for method := range methods {
		f.Add(byte(method), byte(1), 200, "application/vnd.oci.image.manifest.v1+json", digest.String(), "", "", manifest)
		f.Add(byte(method), byte(2), 404, "text/html", "", "", "", "<html>")
		f.Add(byte(method), byte(3), 206, "", "sha256:x", "", "bytes 0-0/12", "x")
		f.Add(byte(method), byte(4), 302, "application/json", "", "/v2/a/blobs/uploads/1", "", `{"errors":[{"code":"BLOB_UNKNOWN"}]}`)
		f.Add(byte(method), byte(5), 204, "", digest.String(), "%", "bytes */", `{"manifests":null}`)
	}
	f.Fuzz(func(t *testing.T, method, path byte, status int, kind, said, location, bytesOf, body string) {
		header := http.Header{}
		for name, value := range map[string]string{"Content-Type": kind, "Docker-Content-Digest": said, "Location": location, "Content-Range": bytesOf} {
			if value != "" {
				header.Set(name, value)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is waited for
		req, err := http.NewRequestWithContext(ctx, methods[int(method)%len(methods)], "https://registry.example"+paths[int(path)%len(paths)], strings.NewReader(manifest))
		if err != nil {
			t.Fatal(err)
		}
		inner := &always{status: 100 + (status&0x7fffffff)%500, header: header, body: body, allowed: 3, t: t}
		resp, err := quirks.Wary(quirks.New(inner)).RoundTrip(req)
		if err != nil {
			return
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(req.URL.Path, "/a/manifests/") {
			return
		}
		is, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
		switch sum, _, _ := v1.SHA256(strings.NewReader(string(got))); {
		case req.Method == http.MethodHead && err != nil:
			t.Errorf("the answer to HEAD has no digest: %v", resp.Header)
		case req.Method == http.MethodGet && err == nil && is.Algorithm == "sha256" && is != sum && strings.HasSuffix(req.URL.Path, "/latest"):
			t.Errorf("a manifest %s is %s", is, sum)
		}
	})
}

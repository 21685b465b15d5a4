package quirks_test

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// odd changes an answer of a registry.
type odd func(req *http.Request, resp *httptest.ResponseRecorder)

func status(method string, from, to int) odd {
	return func(req *http.Request, resp *httptest.ResponseRecorder) {
		if req.Method == method && resp.Code == from {
			resp.Code = to
		}
	}
}

func header(path, key, value string) odd {
	return func(req *http.Request, resp *httptest.ResponseRecorder) {
		if !strings.Contains(req.URL.Path, path) {
			return
		}
		if value == "" {
			resp.Header().Del(key)
		} else {
			resp.Header().Set(key, value)
		}
	}
}

// oddities are what registries have been seen to do.
var oddities = map[string]odd{
	"noDigest":        header("/", "Docker-Content-Digest", ""),
	"noType":          header("/manifests/", "Content-Type", ""),
	"typeJSON":        header("/manifests/", "Content-Type", "application/json"),
	"typeOctetStream": header("/manifests/", "Content-Type", "application/octet-stream"),
	"patch200":        status(http.MethodPatch, 202, 200),
	"patch204":        status(http.MethodPatch, 202, 204),
	"put200":          status(http.MethodPut, 201, 200),
	"put202":          status(http.MethodPut, 201, 202),
	"put204":          status(http.MethodPut, 201, 204),
	"post200":         status(http.MethodPost, 202, 200),
	"head405": func(req *http.Request, resp *httptest.ResponseRecorder) {
		if req.Method == http.MethodHead {
			resp.Code = http.StatusMethodNotAllowed
		}
	},
	"headManifest404": func(req *http.Request, resp *httptest.ResponseRecorder) {
		if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/manifests/") {
			resp.Code = http.StatusNotFound
		}
	},
	"notFound400": func(_ *http.Request, resp *httptest.ResponseRecorder) {
		if resp.Code == http.StatusNotFound {
			resp.Code = http.StatusBadRequest
		}
	},
	"page404": func(_ *http.Request, resp *httptest.ResponseRecorder) {
		if resp.Code == http.StatusNotFound {
			resp.Body = bytes.NewBufferString("<html>nope</html>")
		}
	},
	"relative": func(_ *http.Request, resp *httptest.ResponseRecorder) {
		if at, err := url.Parse(resp.Header().Get("Location")); err == nil && at.Path != "" {
			resp.Header().Set("Location", at.RequestURI())
		}
	},
}

// serve starts a registry that is odd, and returns a repository in it.
func serve(t *testing.T, oddities ...odd) name.Repository {
	t.Helper()
	registry := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		recorded := httptest.NewRecorder()
		registry.ServeHTTP(recorded, req)
		recorded.Header().Del("Content-Length")
		for _, change := range oddities {
			change(req, recorded)
		}
		for key, values := range recorded.Header() {
			w.Header()[key] = values
		}
		if _, typed := recorded.Header()["Content-Type"]; !typed {
			w.Header()["Content-Type"] = nil // net/http would guess
		}
		w.WriteHeader(recorded.Code)
		if req.Method != http.MethodHead {
			_, _ = w.Write(recorded.Body.Bytes()) // the client may have gone
		}
	}))
	t.Cleanup(server.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/team/app")
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// TestOddRegistries pushes an image and reads it, to every pair of oddities.
func TestOddRegistries(t *testing.T) {
	t.Parallel()
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for first, one := range oddities {
		for second, other := range oddities {
			if first > second {
				continue
			}
			t.Run(first+" "+second, func(t *testing.T) {
				t.Parallel()
				repo := serve(t, one, other)
				pushAndRead(t, repo.Tag("latest"), img, want)
			})
		}
	}
}

func pushAndRead(t *testing.T, tag name.Tag, img v1.Image, want v1.Hash) {
	t.Helper()
	through := remote.WithTransport(quirks.New(testweb.Transport(t)))
	_, err := remote.Get(tag, through)
	if answer, ok := errors.AsType[*transport.Error](err); !ok || answer.StatusCode != http.StatusNotFound || len(answer.Errors) == 0 {
		t.Errorf("before the push: %v", err)
	}
	if err := remote.Write(tag, img, through); err != nil {
		t.Fatalf("push: %v", err)
	}
	head, err := remote.Head(tag, through)
	if err != nil {
		t.Fatalf("HEAD: %v", err)
	}
	found, err := remote.Image(tag, through)
	if err != nil {
		t.Fatalf("GET: %v", err)
	}
	raw, err := found.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	if head.Digest != want || head.Size != int64(len(raw)) || !head.MediaType.IsImage() {
		t.Errorf("HEAD says %+v", head)
	}
	if got, err := found.Digest(); err != nil || got != want {
		t.Errorf("read %s, %v; want %s", got, err, want)
	}
}

// TestFalseSuccess refuses what calls itself a success and is not one.
func TestFalseSuccess(t *testing.T) {
	t.Parallel()
	img, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	loginPage := func(req *http.Request, resp *httptest.ResponseRecorder) {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/manifests/") {
			resp.Code, resp.Body = http.StatusOK, bytes.NewBufferString("<html>please log in</html>")
			resp.Header().Set("Content-Type", "text/html")
		}
	}
	for name, do := range map[string]struct {
		odd  odd
		try  func(name.Tag, remote.Option) error
		want string
	}{
		"a web page for a manifest": {
			loginPage,
			func(tag name.Tag, o remote.Option) error { _, err := remote.Get(tag, o); return err },
			"answered 200, but with a web page instead of a manifest",
		},
		"another digest": {
			header("/manifests/", "Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64)),
			func(tag name.Tag, o remote.Option) error { return remote.Write(tag, img, o) },
			"it has stored sha256:0000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := do.try(serve(t, do.odd).Tag("latest"), remote.WithTransport(quirks.New(testweb.Transport(t))))
			if _, ok := errors.AsType[*quirks.AnswerError](err); !ok || !strings.Contains(err.Error(), do.want) {
				t.Errorf("got %v, want %q", err, do.want)
			}
		})
	}
}

// TestSwallowedManifest does not take a web page for a manifest that is stored.
func TestSwallowedManifest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPut {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	put, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/v2/app/manifests/latest", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := quirks.New(testweb.Transport(t)).RoundTrip(put)
	if err == nil {
		resp.Body.Close()
	}
	if _, ok := errors.AsType[*quirks.AnswerError](err); !ok || !strings.Contains(err.Error(), "answered 200, but the manifest is not there") {
		t.Errorf("got %v", err)
	}
}

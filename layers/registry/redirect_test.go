package registry_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/registry"
)

// TestRedirectedUpload sends an upload to another host, which answers with a
// relative Location. The credential stays with the host that it is for.
func TestRedirectedUpload(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusFound, http.StatusMovedPermanently} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var leaked, refused atomic.Int32
			behind := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
			back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Header.Get("Authorization") != "" {
					leaked.Add(1)
				}
				behind.ServeHTTP(relative{w}, req)
			}))
			t.Cleanup(back.Close)
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				user, password, ok := req.BasicAuth()
				switch {
				case !ok || user != "builder" || password != "secret":
					refused.Add(1)
					w.Header().Set("WWW-Authenticate", `Basic realm="front"`)
					w.WriteHeader(http.StatusUnauthorized)
				case strings.Contains(req.URL.Path, "/blobs/uploads/"):
					w.Header().Set("Location", back.URL+req.URL.RequestURI())
					w.WriteHeader(status)
				default:
					behind.ServeHTTP(w, req)
				}
			}))
			t.Cleanup(front.Close)
			host := strings.TrimPrefix(front.URL, "http://")
			ref, err := name.ParseReference(host + "/team/cache")
			if err != nil {
				t.Fatal(err)
			}
			store := registry.New(registry.Config{Ref: ref, Keychain: onlyFor(host)})
			pushed, err := store.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("a layer")), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			body, err := store.Open(t.Context(), pushed.Descriptor, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if got, err := io.ReadAll(body); err != nil || string(got) != "a layer" {
				t.Errorf("read %q, %v", got, err)
			}
			if leaked.Load() > 0 {
				t.Error("the other host was sent a credential")
			}
			if refused.Load() > 1 {
				t.Error("the registry was not sent its credential")
			}
		})
	}
}

// relative makes the Location of an answer one without a host.
type relative struct{ http.ResponseWriter }

func (w relative) WriteHeader(status int) {
	if at, err := url.Parse(w.Header().Get("Location")); err == nil && at.Path != "" {
		w.Header().Set("Location", at.RequestURI())
	}
	w.ResponseWriter.WriteHeader(status)
}

type onlyFor string

func (host onlyFor) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if _, err := name.NewRegistry(string(host)); err != nil || target.RegistryStr() != string(host) {
		return authn.Anonymous, err
	}
	return &authn.Basic{Username: "builder", Password: "secret"}, nil
}

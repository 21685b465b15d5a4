package quirks_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// endless writes until nobody reads any more, and counts.
type endless struct{ sent int64 }

func (e *endless) serve(w http.ResponseWriter) {
	for piece := []byte(strings.Repeat(" ", 1<<20)); ; {
		n, err := w.Write(piece)
		if e.sent += int64(n); err != nil || e.sent > 1<<30 {
			return
		}
	}
}

// TestWaryBounds reads images of registries and token servers whose answers do not
// end.
func TestWaryBounds(t *testing.T) {
	t.Parallel()
	digest, _, _ := v1.SHA256(strings.NewReader("config"))
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":10737418240,"digest":%q},"layers":[]}`, digest)
	for _, what := range []string{"ping's error", "token", "token's error", "manifest", "manifest's error", "config", "config elsewhere", "config's error", "tags"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var flood endless
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				at := map[bool]string{true: "config"}[strings.Contains(r.URL.Path, "/blobs/")]
				switch {
				case r.URL.Path == "/v2/" && strings.HasPrefix(what, "ping"):
					at = "ping"
				case r.URL.Path == "/v2/" && strings.HasPrefix(what, "token"):
					w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q,service=\"s\"", server.URL+"/token"))
					w.WriteHeader(http.StatusUnauthorized)
					return
				case r.URL.Path == "/v2/":
					return
				case r.URL.Path == "/token":
					at = "token"
				case strings.Contains(r.URL.Path, "/manifests/"):
					at = "manifest"
				case strings.HasSuffix(r.URL.Path, "/tags/list"):
					at = "tags"
				case r.URL.Path == "/elsewhere":
					at = "elsewhere"
				}
				switch {
				case what == at+"'s error":
					w.WriteHeader(http.StatusTeapot)
					flood.serve(w)
				case at == "config" && what == "config elsewhere":
					http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
				case what == at, at == "elsewhere":
					w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
					flood.serve(w)
				case at == "manifest":
					w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
					_, _ = io.WriteString(w, manifest)
				}
			}))
			defer server.Close()
			repository, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://")+"/some/image", name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			through := []remote.Option{remote.WithTransport(quirks.Wary(quirks.New(testweb.Transport(t)))), remote.WithAuth(&authn.Basic{Username: "u", Password: "p"})}
			if what == "tags" {
				_, err = remote.List(repository, through...)
			} else {
				var image v1.Image
				if image, err = remote.Image(repository.Tag("latest"), through...); err == nil {
					_, err = image.RawConfigFile()
				}
			}
			if err == nil {
				t.Error("no error")
			}
			// go-containerregistry has a bound of 64 KiB for tokens.
			if !strings.HasSuffix(what, "error") && what != "token" && !errors.Is(err, bounds.ErrExceeded) {
				t.Errorf("got %v", err)
			}
			server.CloseClientConnections()
			server.Close() // waits for the handlers
			if flood.sent == 0 || flood.sent > 100<<20 {
				t.Errorf("%d bytes were sent", flood.sent)
			}
		})
	}
}

// TestWaryDigest refuses a manifest that is not the one that the answer tells of.
func TestWaryDigest(t *testing.T) {
	t.Parallel()
	const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}`
	right, _, _ := v1.SHA256(strings.NewReader(manifest))
	other, _, _ := v1.SHA256(strings.NewReader("other"))
	for said, want := range map[string]string{right.String(): "", "": "", "nonsense": "", other.String(): "the manifest that came is " + right.String() + " instead of " + other.String()} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Header().Set("Docker-Content-Digest", said)
			_, _ = io.WriteString(w, manifest)
		}))
		defer server.Close()
		tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://")+"/some/image:latest", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		_, err = remote.Get(tag, remote.WithTransport(quirks.Wary(quirks.New(testweb.Transport(t)))))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", said, err)
		}
	}
}

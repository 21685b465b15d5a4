package testregistry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

var users = []User{
	{Name: "writer", Password: "writers-password"},
	{Name: "reader", Password: "readers-password", May: map[string][]string{"*": {"pull"}, "team/private": {}}},
	{May: map[string][]string{"team/public": {"pull"}}},
}

// push writes an image with a client that is not ours and reads it again.
func push(r *Registry, addr, repo string, keychain authn.Keychain) error {
	ref, err := name.ParseReference(addr + "/" + repo)
	if err != nil {
		return err
	}
	image, err := random.Image(1000, 2)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithTransport(r.Transport()), remote.WithAuthFromKeychain(keychain)}
	if err := remote.Write(ref, image, options...); err != nil {
		return err
	}
	got, err := remote.Image(ref, options...)
	if err != nil {
		return err
	}
	a, _ := image.Digest()
	b, _ := got.Digest()
	if a != b {
		return fmt.Errorf("digest %s instead of %s", b, a)
	}
	return nil
}

func status(err error) int {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.StatusCode
	}
	return 0
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	anonymous := authn.NewMultiKeychain()
	for _, auth := range []Auth{Open, Basic, Token} {
		for _, tls := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s TLS %v", auth, tls), func(t *testing.T) {
				t.Parallel()
				r := New(t, Options{Auth: auth, TLS: tls, Users: users})
				keychain := anonymous
				if auth != Open {
					keychain = r.Keychain("writer")
					if err := push(r, r.Addr, "team/app", anonymous); status(err) != http.StatusUnauthorized {
						t.Errorf("anonymous: %v", err)
					}
				}
				if err := push(r, r.Addr, "team/app", keychain); err != nil {
					t.Error(err)
				}
				if tls != (r.CAFile != "") {
					t.Errorf("authority %q", r.CAFile)
				}
				if !strings.Contains(r.Log(), "/v2/team/app/manifests/latest") || strings.Contains(r.Log(), "writers-password") {
					t.Errorf("log:\n%s", r.Log())
				}
			})
		}
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	r := New(t, Options{Auth: Token, Users: users})
	for _, repo := range []string{"team/public", "team/private"} {
		if err := push(r, r.Addr, repo, r.Keychain("writer")); err != nil {
			t.Fatal(err)
		}
	}
	before := len(r.TokenRequests())
	for _, test := range []struct {
		user, repo string
		read       bool
	}{
		{"reader", "team/public", true},
		{"reader", "team/private", false},
		{"", "team/public", true},
		{"", "team/private", false},
	} {
		keychain := authn.NewMultiKeychain()
		if test.user != "" {
			keychain = r.Keychain(test.user)
		}
		ref, _ := name.ParseReference(r.Addr + "/" + test.repo)
		_, err := remote.Get(ref, remote.WithAuthFromKeychain(keychain))
		if (err == nil) != test.read {
			t.Errorf("%q reads %s: %v", test.user, test.repo, err)
		}
		if err := push(r, r.Addr, test.repo, keychain); status(err) != http.StatusUnauthorized {
			t.Errorf("%q writes %s: %v", test.user, test.repo, err)
		}
	}
	all := r.TokenRequests()[before:]
	first := all[0]
	if first.User != "reader" || !slices.Equal(first.Scopes, []string{"repository:team/public:pull"}) || !slices.Equal(first.Granted, first.Scopes) {
		t.Errorf("first request: %+v", first)
	}
	if i := slices.IndexFunc(all, func(q TokenRequest) bool { return len(q.Granted) < len(q.Scopes) }); i < 0 {
		t.Errorf("everything was granted: %+v", all)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	r, err := Start(t.Context(), Options{TLS: true, Auth: Token, Users: users})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(r.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory: %v", err)
	}
	if _, err := testweb.Client(t).Get("http://" + r.Addr); err == nil {
		t.Error("the registry still answers")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for _, may := range []bool{false, true} {
		r := New(t, Options{Delete: may})
		if err := push(r, r.Addr, "app", authn.NewMultiKeychain()); err != nil {
			t.Fatal(err)
		}
		ref, _ := name.ParseReference(r.Addr + "/app")
		got, err := remote.Get(ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Delete(ref.Context().Digest(got.Digest.String())); (err == nil) != may {
			t.Errorf("delete: %v", err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	r := New(t, Options{})
	f := NewFaults(t, r)
	if err := push(r, f.Addr, "app", f.Keychain("")); err == nil {
		t.Error("a keychain without users has a user")
	}
	anonymous := authn.NewMultiKeychain()
	if err := push(r, f.Addr, "app", anonymous); err != nil {
		t.Fatal(err)
	}
	ref, _ := name.ParseReference(f.Addr + "/app")
	image, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	uploaded := manifest.Config.Size
	for _, l := range manifest.Layers {
		uploaded += l.Size
	}
	if f.Uploaded() != uploaded {
		t.Errorf("uploaded %d bytes, counted %d", uploaded, f.Uploaded())
	}
	f.Reset()
	blob := "http://" + f.Addr + "/v2/app/blobs/" + manifest.Layers[0].Digest.String()
	size := manifest.Layers[0].Size
	for _, test := range []struct {
		name   string
		rule   Rule
		status int
		size   int64
		broken bool
	}{
		{"none", Rule{Method: http.MethodPut}, 200, size, false},
		{"status", Rule{Status: 503, Body: "later"}, 503, 5, false},
		{"drop", Rule{Drop: true}, 0, 0, true},
		{"lose", Rule{Lose: true}, 0, 0, true},
		{"cut", Rule{CutResponse: 100}, 200, 100, true},
		{"edit", Rule{Edit: func(r *http.Request) { r.Header.Set("Range", "bytes=0-9") }}, 206, 10, false},
		{"edit response", Rule{EditResponse: func(r *http.Response) { r.StatusCode = 404 }}, 404, size, false},
		{"used up", Rule{Status: 503, Skip: 1, Times: 1}, 200, size, false},
	} {
		f.Set(test.rule)
		code, n, err := get(blob)
		if code != test.status || n != test.size || (err != nil) != test.broken {
			t.Errorf("%s: status %d, %d bytes, error %v", test.name, code, n, err)
		}
	}
	for i, want := range []int{503, 200} {
		if code, _, _ := get(blob); code != want {
			t.Errorf("after Skip, request %d: status %d, want %d", i, code, want)
		}
	}
	if got, want := f.Downloaded(), 4*size+110; got != want {
		t.Errorf("downloaded %d bytes, want %d", got, want)
	}
	f.Set(Rule{Method: http.MethodPatch, CutRequest: 300})
	if err := push(r, f.Addr, "other", anonymous); err == nil {
		t.Error("cut request: no error")
	}
	for _, q := range f.Requests(http.MethodPatch, "/v2/other/") {
		if q.Sent > 300 {
			t.Errorf("%d bytes passed", q.Sent)
		}
	}
}

// get reads a URL on a connection of its own: the standard client repeats what
// fails on an old one.
func get(url string) (status int, size int64, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	size, err = io.Copy(&b, resp.Body)
	return resp.StatusCode, size, err
}

func TestBinaryVariable(t *testing.T) {
	t.Setenv(binaryVariable, "/nowhere/docker-registry")
	if _, err := Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), binaryVariable) {
		t.Errorf("error %v", err)
	}
	t.Setenv(binaryVariable, "/bin/false")
	if _, err := Start(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "ended at once") {
		t.Errorf("error %v", err)
	}
}

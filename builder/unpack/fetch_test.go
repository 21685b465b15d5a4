package unpack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// TestDamage unpacks layers that are not what they say.
func TestDamage(t *testing.T) {
	t.Parallel()
	content := pax(t, file("a", strings.Repeat("content ", 1e5)))
	other := hashOf([]byte("other"))
	honest := func(encode func([]byte) []byte) *fakeLayer { return newLayer(content, encode) }
	change := func(l *fakeLayer, f func(*fakeLayer)) *fakeLayer { f(l); return l }
	cut := func(b []byte) []byte { return gzipped(b)[:1000] }
	tests := []struct {
		name  string
		layer *fakeLayer
		what  string // of the DigestError, if it is one
		text  string
	}{
		{"digest", change(honest(gzipped), func(l *fakeLayer) { l.digest = other }), "digest", other.String()},
		{"diffID", change(honest(gzipped), func(l *fakeLayer) { l.diffID = other }), "diffID", other.String()},
		{"diffID of zstd", change(honest(zstandard), func(l *fakeLayer) { l.diffID = other }), "diffID", other.String()},
		{"diffID of plain", change(honest(plain), func(l *fakeLayer) { l.diffID = other }), "diffID", other.String()},
		{"shorter", change(honest(gzipped), func(l *fakeLayer) { l.blob = l.blob[:len(l.blob)-7] }), "size", "size is"},
		{"longer", change(honest(gzipped), func(l *fakeLayer) { l.blob = append(l.blob, "more"...) }), "size", "size is at least"},
		{"a flipped bit", change(honest(gzipped), func(l *fakeLayer) { l.blob[500] ^= 4 }), "digest", l1(honest(gzipped))},
		{"a flipped bit in the header", change(honest(plain), func(l *fakeLayer) { l.blob = bytes.Clone(l.blob); l.blob[3] ^= 4 }), "digest", l1(honest(plain))},
		{"truncated gzip", honest(cut), "", "decompress: unexpected EOF"},
		{"no archive", newLayer(bytes.Repeat([]byte("this is no tar archive "), 1000), gzipped), "", "invalid tar header"},
		{"truncated archive", newLayer(content[:5000], gzipped), "", "unpack: entry \"a\": unexpected EOF"},
		{"an endless one", change(honest(gzipped), func(l *fakeLayer) {
			l.open = func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(l.blob), endless{})), nil
			}
		}), "size", "size is at least"},
		{"not sha256", change(honest(gzipped), func(l *fakeLayer) { l.diffID = v1.Hash{Algorithm: "sha256", Hex: "../../x"} }), "", `unsupported digest "sha256:../../x"`},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var opened atomic.Int32
			open := c.layer.open
			c.layer.open = func() (io.ReadCloser, error) {
				opened.Add(1)
				if open != nil {
					return open()
				}
				return io.NopCloser(bytes.NewReader(c.layer.blob)), nil
			}
			s := openStore(t, t.TempDir(), Options{UserXattr: true})
			_, err := s.Layers(t.Context(), image(c.layer), nil)
			_, errFlat := s.Flat(t.Context(), image(c.layer), nil)
			for _, err := range []error{err, errFlat} {
				var wrong *DigestError
				if err == nil || !strings.Contains(err.Error(), c.text) {
					t.Errorf("got %v, want %q", err, c.text)
				}
				if errors.As(err, &wrong) != (c.what != "") || wrong != nil && (wrong.What != c.what || wrong.Hint() == "") {
					t.Errorf("got %#v, want %q", err, c.what)
				}
			}
			// Only what is too short may be the fault of the network.
			if want := map[bool]int32{false: 2, true: 8}[c.name == "shorter"]; opened.Load() > want {
				t.Errorf("fetched %d times, want %d", opened.Load(), want)
			}
			if left := leftovers(s.dir); len(left) > 0 {
				t.Errorf("left behind %q", left)
			}
		})
	}
}

func l1(l *fakeLayer) string { return l.digest.String() }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestBreakOff fetches from a connection that breaks off.
func TestBreakOff(t *testing.T) {
	t.Parallel()
	content := pax(t, file("a", strings.Repeat("0123456789", 1e5)))
	reset := fmt.Errorf("read: %w", syscall.ECONNRESET)
	tests := []struct {
		name  string
		fail  int // how many attempts
		with  error
		open  bool // at once
		ok    bool
		tries int32
	}{
		{"once", 1, io.ErrUnexpectedEOF, false, true, 2},
		{"three times", 3, reset, false, true, 4},
		{"four times", 4, reset, false, false, 4},
		{"in HTTP/2", 2, errors.New("stream error: stream ID 3; INTERNAL_ERROR"), false, true, 3},
		{"without a word", 3, io.EOF, false, true, 4},
		{"before it begins", 3, syscall.ECONNREFUSED, true, true, 4},
		{"for another reason", 1, &net.DNSError{Err: "no such host", IsNotFound: true}, true, false, 1},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLayer(content, plain)
			var tries atomic.Int32
			l.open = func() (io.ReadCloser, error) {
				n := int(tries.Add(1))
				if n > c.fail {
					return io.NopCloser(bytes.NewReader(l.blob)), nil
				}
				if c.open {
					return nil, c.with
				}
				return io.NopCloser(io.MultiReader(bytes.NewReader(l.blob[:n*200_000]), failing{c.with})), nil
			}
			s := openStore(t, t.TempDir(), Options{UserXattr: true})
			paths, err := s.Layers(t.Context(), image(l), nil)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, c.with) {
				t.Fatalf("got %v", err)
			}
			if tries.Load() != c.tries {
				t.Errorf("tried %d times, want %d", tries.Load(), c.tries)
			}
			if c.ok {
				if got := mustManifest(t, paths[0])["a"].Content; got != strings.Repeat("0123456789", 1e5) {
					t.Errorf("the content is wrong, %d bytes", len(got))
				}
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// loaded tells whether the set had the key, which it has now.
func loaded(set *sync.Map, key string) bool {
	_, had := set.LoadOrStore(key, true)
	return had
}

// TestRegistry fetches from a registry whose connections break off in the
// middle of every layer for the first time.
func TestRegistry(t *testing.T) {
	t.Parallel()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	var cut atomic.Int32
	var broken sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") && cut.Load() > 0 && !loaded(&broken, r.URL.Path) {
			cut.Add(1)
			rec := httptest.NewRecorder()
			inner.ServeHTTP(rec, r)
			w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
			w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/team/builder")
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image,
		static.NewLayer(pax(t, dir("d"), file("d/a", strings.Repeat("a", 1e6))), types.OCIUncompressedLayer),
		static.NewLayer(pax(t, file("d/.wh.a", ""), file("b", "b")), types.OCIUncompressedLayer),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pulled.ConfigFile(); err != nil {
		t.Fatal(err)
	}
	cut.Store(1)
	s := openStore(t, t.TempDir(), Options{UserXattr: true, Parallel: 1})
	path, err := s.Flat(t.Context(), pulled, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"d": "dir 0755", "b": "file 0644 b"}, brief(mustManifest(t, path))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if cut.Load() != 3 {
		t.Errorf("%d connections were cut, want 2", cut.Load()-1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Layers(ctx, pulled, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancellation: %v", err)
	}
}

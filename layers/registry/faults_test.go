package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

var (
	blobs     = regexp.MustCompile(`/blobs/sha256:`)
	uploads   = regexp.MustCompile(`/blobs/uploads/`)
	manifests = regexp.MustCompile(`/manifests/`)
)

// faulty starts a registry behind a proxy and opens a store through it, with
// pauses that are short.
func faulty(t *testing.T, options testregistry.Options) (*testregistry.Registry, *testregistry.Faults, *Store) {
	t.Helper()
	r := testregistry.New(t, options)
	f := testregistry.NewFaults(t, r)
	config := Config{Ref: ref(t, f.Addr+"/team/cache"), Transport: r.Transport(), Rule: web.Rule{First: time.Millisecond}}
	if options.Auth != testregistry.Open {
		config.Keychain = f.Keychain("writer")
	}
	s := New(config)

	return r, f, s
}

// random returns n bytes and their descriptor.
func random(n int) ([]byte, v1.Descriptor) {
	b := make([]byte, n)
	rand.Read(b)
	sum := sha256.Sum256(b)
	return b, v1.Descriptor{MediaType: types.OCILayer, Size: int64(n), Digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}}
}

func opens(r io.Reader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
}

// push stores n random bytes.
func push(t *testing.T, s *Store, n int) ([]byte, v1.Descriptor) {
	t.Helper()
	b, blob := random(n)
	if _, err := s.Push(t.Context(), blob, opens(bytes.NewReader(b))); err != nil {
		t.Fatal(err)
	}
	return b, blob
}

// commit stores an image of one layer under the tag latest.
func commit(t *testing.T, s *Store, previous v1.Hash) (v1.Descriptor, []byte) {
	t.Helper()
	_, layer := push(t, s, 100)
	manifest := []byte(`{"schemaVersion":2,"mediaType":"` + string(types.OCIManifestSchema1) + `","config":{"mediaType":"` +
		string(types.OCIConfigJSON) + `","digest":"` + layer.Digest.String() + `","size":100},"layers":[]}`)
	desc, err := s.Commit(t.Context(), "latest", string(types.OCIManifestSchema1), manifest, previous)
	if err != nil {
		t.Fatal(err)
	}
	return desc, manifest
}

func read(ctx context.Context, s *Store, blob v1.Descriptor, offset, length int64) ([]byte, error) {
	r, err := s.Open(ctx, blob, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// leftovers returns the upload sessions whose content the registry still has.
// (What it leaves of a cancelled one is the state of a hash.)
func leftovers(t *testing.T, r *testregistry.Registry) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(r.Root(), func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.Name() == "data" && filepath.Base(filepath.Dir(filepath.Dir(path))) == "_uploads" {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadsAreRetried(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	b, blob := push(t, s, 5000)
	desc, _ := commit(t, s, v1.Hash{})
	for _, test := range []struct {
		name string
		rule testregistry.Rule
	}{
		{"503", testregistry.Rule{Status: http.StatusServiceUnavailable}},
		{"429", testregistry.Rule{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}}}},
		{"no answer", testregistry.Rule{Drop: true}},
		{"lost answer", testregistry.Rule{Lose: true}},
		{"cut manifest", testregistry.Rule{CutResponse: 10, Path: manifests}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.Reset()
			test.rule.Times = 2
			f.Set(test.rule)
			if got, _, err := s.Resolve(t.Context(), "latest"); err != nil || got.Digest != desc.Digest {
				t.Errorf("resolve: %v, error %v", got, err)
			}
			if test.rule.Path == nil {
				f.Set(test.rule)
			}
			if got, err := read(t.Context(), s, blob, 0, -1); err != nil || !bytes.Equal(got, b) {
				t.Errorf("open: %d bytes, error %v", len(got), err)
			}
			if n := len(f.Requests("GET", "/manifests/")); n != 3 {
				t.Errorf("%d requests for the manifest, want 3", n)
			}
		})
	}
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	_, blob := push(t, s, 10)
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadRequest} {
		f.Reset()
		f.Set(testregistry.Rule{Path: blobs, Status: status})
		_, err := s.Open(t.Context(), blob, 0, -1)
		if err == nil || !strings.Contains(err.Error(), http.StatusText(status)) {
			t.Errorf("status %d: error %v", status, err)
		}
		want := 1
		if web.Temporary(status) {
			want = 5
		}
		if n := len(f.Requests("GET", "")); n != want {
			t.Errorf("status %d: %d requests, want %d", status, n, want)
		}
	}
}

func TestPauseEndsWithContext(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	_, blob := push(t, s, 10)
	ctx, cancel := context.WithCancel(web.With(t.Context(), web.NewBudget(web.Rule{Wait: time.Hour}, "", nil)))
	f.Set(testregistry.Rule{Path: blobs, Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3000"}}})
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := s.Open(ctx, blob, 0, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNothingIsUploadedTwice(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	_, blob := push(t, s, 5000)
	if n := f.Uploaded(); n != 5000 {
		t.Errorf("uploaded %d bytes of 5000", n)
	}
	f.Reset()
	p, err := s.Push(t.Context(), blob, func() (io.ReadCloser, error) { panic("opened") })
	if err != nil || p.Sent != 0 {
		t.Errorf("%+v, error %v", p, err)
	}
	if got := f.Requests("", "/uploads/"); len(got) > 0 {
		t.Errorf("uploads: %v", got)
	}
}

func TestRangeNotKnown(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	b, blob := push(t, s, 5000)
	f.Set(testregistry.Rule{Path: blobs, Edit: func(r *http.Request) { r.Header.Del("Range") }})
	for _, r := range [][4]int64{{0, 100, 0, 100}, {2000, 100, 2000, 2100}, {4000, -1, 4000, 5000}, {4900, 500, 4900, 5000}, {6000, 10, 0, 0}} {
		got, err := read(t.Context(), s, blob, r[0], r[1])
		if err != nil || !bytes.Equal(got, b[r[2]:r[3]]) {
			t.Errorf("range %v: %d bytes, error %v", r, len(got), err)
		}
	}
}

// TestRangeRefused reads parts of a blob of a registry that refuses ranges: all, or
// as the registry of crane does, those without an end and those beyond the end of
// the blob.
func TestRangeRefused(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	b, blob := push(t, s, 5000)
	for name, refused := range map[string]func(string) bool{
		"all": func(r string) bool { return r != "" },
		"without an end, and beyond the end": func(r string) bool {
			var from, to int64
			n, _ := fmt.Sscanf(r, "bytes=%d-%d", &from, &to)
			return r != "" && (n != 2 || to >= blob.Size)
		},
	} {
		f.Set(testregistry.Rule{Path: blobs, EditResponse: func(r *http.Response) {
			if refused(r.Request.Header.Get("Range")) {
				r.StatusCode = http.StatusRequestedRangeNotSatisfiable
			}
		}})
		for _, r := range [][4]int64{{0, 100, 0, 100}, {2000, 100, 2000, 2100}, {4000, -1, 4000, 5000}, {4900, 500, 4900, 5000}, {5000, -1, 0, 0}, {6000, 10, 0, 0}} {
			got, err := read(t.Context(), s, blob, r[0], r[1])
			if err != nil || !bytes.Equal(got, b[r[2]:r[3]]) {
				t.Errorf("%s are refused, range %v: %d bytes, error %v", name, r, len(got), err)
			}
		}
	}
}

func TestWrongRange(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	_, blob := push(t, s, 5000)
	for _, value := range []string{"", "bytes 0-99/5000", "nonsense"} {
		f.Set(testregistry.Rule{Path: blobs, EditResponse: func(r *http.Response) { r.Header.Set("Content-Range", value) }})
		if got, err := read(t.Context(), s, blob, 2000, 100); err == nil {
			t.Errorf("Content-Range %q: %d bytes and no error", value, len(got))
		}
	}
}

func TestBrokenDownloadIsNoEnd(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	_, blob := push(t, s, 1<<20)
	f.Set(testregistry.Rule{Path: blobs, CutResponse: 300000})
	for _, length := range []int64{-1, 1 << 20, 1 << 19} {
		got, err := read(t.Context(), s, blob, 0, length)
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 300000 {
			t.Errorf("length %d: %d bytes, error %v", length, len(got), err)
		}
	}
}

func TestFailedUploadIsCancelled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		rule testregistry.Rule
		// docker-registry does not cancel an upload whose last answer the
		// client has not got; it purges it after a week.
		stale bool
	}{
		{"cut", testregistry.Rule{Method: "PATCH", CutRequest: 1 << 20}, true},
		{"error", testregistry.Rule{Method: "PATCH", Status: http.StatusInternalServerError}, false},
		{"forbidden", testregistry.Rule{Method: "PATCH", Status: http.StatusForbidden}, false},
		{"lost", testregistry.Rule{Method: "PATCH", Lose: true}, true},
		{"not stored", testregistry.Rule{Method: "PUT", Status: http.StatusBadRequest}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, f, s := faulty(t, testregistry.Options{})
			f.Set(test.rule)
			b, blob := random(3 << 20)
			if p, err := s.Push(t.Context(), blob, opens(bytes.NewReader(b))); err == nil {
				t.Errorf("no error, but %+v", p)
			}
			if n := len(f.Requests("DELETE", "/uploads/")); n != 1 {
				t.Errorf("%d uploads cancelled, want 1", n)
			}
			if left := leftovers(t, r); !test.stale && len(left) > 0 {
				t.Errorf("left in the registry: %v", left)
			}
			if _, err := s.Open(t.Context(), blob, 0, -1); !errors.Is(err, layers.ErrNotFound) {
				t.Errorf("open: error %v, want ErrNotFound", err)
			}
		})
	}
}

func TestCancelledUpload(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	// Not even a source that never answers keeps Push from returning.
	blocked := make(chan struct{})
	defer close(blocked)
	b, blob := random(1 << 20)
	src := io.MultiReader(bytes.NewReader(b), reads(func([]byte) (int, error) {
		cancel()
		<-blocked
		return 0, io.EOF
	}))
	if _, err := s.Push(ctx, v1.Descriptor{}, opens(src)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := len(f.Requests("DELETE", "/uploads/")); n != 1 {
		t.Errorf("%d uploads cancelled, want 1", n)
	}
	if _, err := s.Open(t.Context(), blob, 0, -1); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("open: error %v, want ErrNotFound", err)
	}
}

type reads func([]byte) (int, error)

func (f reads) Read(p []byte) (int, error) { return f(p) }

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	for _, rule := range []testregistry.Rule{
		{Method: "POST", Lose: true},
		{Method: "PUT", Path: uploads, Lose: true},
		{Method: "PUT", Path: uploads, Status: http.StatusBadGateway},
	} {
		rule.Times = 1
		f.Set(rule)
		b, blob := push(t, s, 5000)
		if got, err := read(t.Context(), s, blob, 0, -1); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%v: %d bytes, error %v", rule, len(got), err)
		}
	}
	var previous v1.Hash
	for _, rule := range []testregistry.Rule{
		{Method: "PUT", Path: manifests, Lose: true, Times: 1},
		{Method: "PUT", Path: manifests, Status: http.StatusServiceUnavailable, Times: 2},
		// What distribution 2 says while it writes down a blob for somebody else.
		{Method: "PUT", Path: manifests, Times: 1, EditResponse: func(r *http.Response) {
			const halfWritten = `{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN"}]}`
			r.StatusCode, r.Body, r.ContentLength = http.StatusBadRequest, io.NopCloser(strings.NewReader(halfWritten)), int64(len(halfWritten))
			r.Header.Set("Content-Length", strconv.Itoa(len(halfWritten)))
		}},
		// A registry that does not tell the digest.
		{Method: "HEAD", Path: manifests, EditResponse: func(r *http.Response) { r.Header.Del("Docker-Content-Digest") }},
	} {
		f.Set(rule)
		desc, manifest := commit(t, s, previous)
		if _, got, err := s.Resolve(t.Context(), "latest"); err != nil || !bytes.Equal(got, manifest) {
			t.Errorf("%v: %s, error %v", rule, got, err)
		}
		previous = desc.Digest
	}
}

func TestCorruptManifest(t *testing.T) {
	t.Parallel()
	_, f, s := faulty(t, testregistry.Options{})
	desc, manifest := commit(t, s, v1.Hash{})
	other := bytes.Replace(manifest, []byte("2"), []byte("3"), 1)
	replace := func(r *http.Response) { r.Body = io.NopCloser(bytes.NewReader(other)) }
	f.Set(testregistry.Rule{Method: "GET", Path: manifests, EditResponse: replace})
	for _, name := range []string{"latest", desc.Digest.String()} {
		if _, got, err := s.Resolve(t.Context(), name); err == nil || !strings.Contains(err.Error(), "digest") {
			t.Errorf("resolve %s: %s, error %v", name, got, err)
		}
	}
	// Also when the registry does not say what it should be.
	f.Set(testregistry.Rule{Method: "GET", Path: manifests, EditResponse: func(r *http.Response) {
		replace(r)
		r.Header.Del("Docker-Content-Digest")
	}})
	if _, got, err := s.Resolve(t.Context(), desc.Digest.String()); err == nil {
		t.Errorf("resolve by digest: %s", got)
	}
	f.Set(testregistry.Rule{Method: "GET", Path: manifests, EditResponse: func(r *http.Response) {
		r.ContentLength = 5 << 20
		r.Header.Set("Content-Length", "5242880")
		r.Body = io.NopCloser(io.LimitReader(rand.Reader, 5<<20))
	}})
	if _, got, err := s.Resolve(t.Context(), "latest"); err == nil || !strings.Contains(err.Error(), "4 MiB") {
		t.Errorf("too large: %d bytes, error %v", len(got), err)
	}
}

func TestMountFrom(t *testing.T) {
	t.Parallel()
	for _, auth := range []testregistry.Auth{testregistry.Open, testregistry.Token} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			r, f, s := faulty(t, testregistry.Options{Auth: auth, Users: users})
			other := New(Config{Ref: ref(t, f.Addr+"/team/app"), Keychain: s.keychain})
			b, blob := push(t, s, 5000)
			_, absent := random(10)
			push(t, other, 10) // so that there is a token without the scope of the source
			f.Reset()
			if ok, err := other.MountFrom(t.Context(), s, blob); !ok || err != nil {
				t.Errorf("not mounted: error %v", err)
			}
			if got, err := read(t.Context(), other, blob, 0, -1); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%d bytes, error %v", len(got), err)
			}
			if ok, err := other.MountFrom(t.Context(), s, absent); ok || err != nil {
				t.Errorf("mounted a blob that is not there: error %v", err)
			}
			if n := f.Uploaded(); n != 0 {
				t.Errorf("%d bytes uploaded", n)
			}
			if left := leftovers(t, r); len(left) > 0 {
				t.Errorf("left in the registry: %v", left)
			}
		})
	}
}

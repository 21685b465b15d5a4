package extra

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	archive := gzipped(t, tarOf(t, file{name: "buildpack.toml", content: descriptorOf("acme/web@1")}, file{name: "bin/build"}))
	for _, test := range []struct {
		name string
		// answer answers the given request, counted from 1.
		answer func(w http.ResponseWriter, r *http.Request, n int32)
		tries  int32
		want   string
	}{
		{"there", func(w http.ResponseWriter, _ *http.Request, _ int32) { w.Write(archive) }, 1, ""},
		{"with its password", func(w http.ResponseWriter, r *http.Request, _ int32) {
			if _, password, _ := r.BasicAuth(); password != "hunter2" || r.URL.RawQuery != "sig=secret" {
				w.WriteHeader(http.StatusForbidden)
			}
			w.Write(archive)
		}, 1, ""},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request, n int32) {
			if n == 1 {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			w.Write(archive)
		}, 2, ""},
		{"at the second attempt", func(w http.ResponseWriter, _ *http.Request, n int32) {
			if n == 1 {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			w.Write(archive)
		}, 2, ""},
		{"broken off once", func(w http.ResponseWriter, _ *http.Request, n int32) {
			if n == 1 {
				w.Header().Set("Content-Length", "1000000")
			}
			w.Write(archive)
		}, 2, ""},
		{"not there", func(w http.ResponseWriter, _ *http.Request, _ int32) { w.WriteHeader(http.StatusNotFound) }, 1, "answered 404"},
		{"failing", func(w http.ResponseWriter, _ *http.Request, _ int32) { w.WriteHeader(http.StatusBadGateway) }, 5, "answered 502"},
		{"a page", func(w http.ResponseWriter, _ *http.Request, _ int32) {
			w.Write([]byte(strings.Repeat("<html> ", 1000)))
		}, 1, "read archive"},
		{"around in circles", func(w http.ResponseWriter, r *http.Request, _ int32) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, 10, "it redirects too often"},
		{"too large", func(w http.ResponseWriter, _ *http.Request, _ int32) { w.Write(make([]byte, 2<<20)) }, 1, "larger than 1 MB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { test.answer(w, r, requests.Add(1)) }))
			t.Cleanup(server.Close)
			address := strings.Replace(server.URL, "http://", "http://bob:hunter2@", 1) + "/x.tgz?sig=secret"

			heard := &reporter{}
			r, err := newResolver(fakeBuilder(t, nil), heard, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.spool.limit = 1 << 20
			t.Cleanup(func() { r.spool.close() })
			ref, _, err := r.find(t.Context(), Source{Locator: address})
			if requests.Load() != test.tries {
				t.Errorf("%d requests, want %d", requests.Load(), test.tries)
			}
			said := strings.Join(heard.infos, "\n")
			if test.want == "" {
				if err != nil || ref.ID != "acme/web" {
					t.Errorf("found %v, %v", ref, err)
				}
			} else {
				wantError(t, err, test.want)
				wantError(t, err, "buildpack "+server.URL+"/x.tgz: ")
				said += err.Error()
			}
			if strings.Contains(said, "hunter2") || strings.Contains(said, "secret") || !strings.Contains(said, server.URL) {
				t.Errorf("said %q", said)
			}
		})
	}
}

// TestDownloadUnreachable asks where nobody is.
func TestDownloadUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(server.URL + "/x?token=secret")}, nil)
	wantError(t, err, "connection refused")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error is %v", err)
	}
}

// TestNothingLeft looks at the directory for temporary files after a success, a
// failure and Close. What belongs to the user stays.
func TestNothingLeft(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := writeFiles(t, map[string]string{
		"good/buildpack.toml": descriptorOf("acme/x@1"), "good/bin/build": "", "bad/buildpack.toml": descriptorOf("acme/x@1"),
	})
	base := fakeBuilder(t, nil)
	if _, err := Resolve(t.Context(), base, Request{Buildpacks: sources(filepath.Join(dir, "good"), filepath.Join(dir, "bad"))}, nil); err == nil {
		t.Fatal("a buildpack without bin/build is taken")
	}
	archive := filepath.Join(dir, "x.tgz")
	content := tarOf(t, file{name: "buildpack.toml", content: descriptorOf("acme/y@1")}, file{name: "bin/build"})
	if err := os.WriteFile(archive, gzipped(t, content), 0o600); err != nil {
		t.Fatal(err)
	}
	additions, err := Resolve(t.Context(), base, Request{Buildpacks: sources(filepath.Join(dir, "good"), archive)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := additions.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(archive); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

package acceptance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestOddRegistry builds twice, with app and cache in registries that answer in
// ways of their own.
func TestOddRegistry(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for name, change := range map[string]func(*http.Response){
		"no digest":        func(r *http.Response) { r.Header.Del("Docker-Content-Digest") },
		"no type":          func(r *http.Response) { r.Header["Content-Type"] = nil },
		"no HEAD":          status("HEAD", 200, 405),
		"absence is 400":   status("GET", 404, 400),
		"blobs answer 200": status("PATCH", 202, 200),
		"stored is 202":    status("PUT", 201, 202),
		"absence is a web page": func(r *http.Response) {
			if r.StatusCode == http.StatusNotFound {
				page := "<html>nope</html>"
				r.Body, r.ContentLength = io.NopCloser(bytes.NewBufferString(page)), int64(len(page))
				r.Header.Set("Content-Length", strconv.Itoa(len(page)))
				r.Header.Set("Content-Type", "text/html")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			buildTwice(t, oddRegistry(t, reg, change, ""), builder, app)
		})
	}
	t.Run("uploads go to another host", func(t *testing.T) {
		t.Parallel()
		back := oddRegistry(t, reg, func(r *http.Response) {
			if at, err := r.Location(); err == nil {
				r.Header.Set("Location", at.RequestURI())
			}
		}, "")
		buildTwice(t, oddRegistry(t, reg, func(*http.Response) {}, back), builder, app)
	})
}

// TestUploadsRedirected sends what is uploaded from one host to the next with every
// status that there is for it: the content goes along, and no circle has no end.
func TestUploadsRedirected(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	back := oddRegistry(t, reg, func(r *http.Response) {
		if at, err := r.Location(); err == nil {
			r.Header.Set("Location", at.RequestURI())
		}
	}, "")
	for _, status := range []int{301, 302, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			host := redirecting(t, reg, func(r *http.Request) (string, int) {
				return "http://" + back + r.URL.RequestURI(), status
			})
			buildTwice(t, host, builder, app)
		})
	}
	for _, status := range []int{301, 307} {
		t.Run(fmt.Sprintf("content alone by %d", status), func(t *testing.T) {
			t.Parallel()
			host := redirecting(t, reg, func(r *http.Request) (string, int) {
				if r.Method != http.MethodPatch {
					return "", 0
				}
				return "http://" + back + r.URL.RequestURI(), status
			})
			out := newMachine(t).run("build", fmt.Sprintf("%s/content-%d", host, status), "--path", app.dir, "--builder", builder, "--publish")
			out.wantCode(t, 0)
		})
	}
	t.Run("circle", func(t *testing.T) {
		t.Parallel()
		var patches atomic.Int32
		host := redirecting(t, reg, func(r *http.Request) (string, int) {
			if r.Method != http.MethodPatch {
				return "", 0
			}
			patches.Add(1)
			return r.URL.RequestURI(), http.StatusTemporaryRedirect
		})
		out := newMachine(t).run("build", host+"/circle", "--path", app.dir, "--builder", builder, "--publish", "--cache-image", host+"/circle-cache")
		out.wantCode(t, 1)
		out.wantStderr(t, "ERROR: export: ", "is redirected more than 10 times", "it sends requests in a circle")
		if n := patches.Load(); n > 1000 {
			t.Errorf("%d requests went in a circle", n)
		}
	})
	t.Run("circle of the cache", func(t *testing.T) {
		t.Parallel()
		host := redirecting(t, reg, func(r *http.Request) (string, int) {
			if r.Method != http.MethodPatch || !strings.Contains(r.URL.Path, "-cache/") {
				return "", 0
			}
			return r.URL.RequestURI(), http.StatusTemporaryRedirect
		})
		out := newMachine(t).run("build", host+"/circle-app", "--path", app.dir, "--builder", builder, "--publish", "--cache-image", host+"/circle-cache")
		out.wantCode(t, 0)
		out.wantStderr(t, "was not saved", "307 Temporary Redirect")
	})
}

// redirecting is a proxy before a registry that sends uploads to where to says, unless
// that is nowhere.
func redirecting(t *testing.T, reg *registry, to func(*http.Request) (location string, status int)) string {
	t.Helper()
	rest := oddRegistry(t, reg, func(*http.Response) {}, "")
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: rest})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/uploads/") {
			if location, status := to(r); status != 0 {
				w.Header().Set("Location", location)
				w.WriteHeader(status)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func status(method string, from, to int) func(*http.Response) {
	return func(r *http.Response) {
		if r.Request.Method == method && r.StatusCode == from {
			r.StatusCode = to
		}
	}
}

func buildTwice(t *testing.T, host, builder string, app *app) {
	t.Helper()
	name := host + "/odd-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	for _, says := range []string{"0 of 5 layers restored", "5 of 5 layers restored"} {
		_, out := newMachine(t).build(name, "--path", app.dir, "--builder", builder, "--trust-builder", "--publish", "--cache-image", name+"-cache")
		out.wantCode(t, 0)
		out.wantStderr(t, says)
		out.wantNoStderr(t, "NOT saved")
	}
}

// oddRegistry is a proxy before a registry that changes its answers. Uploads
// begin at another host, if that is not empty.
func oddRegistry(t *testing.T, reg *registry, change func(*http.Response), uploads string) string {
	t.Helper()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: reg.Addr})
			p.Out.Host = p.In.Host
		},
		ModifyResponse: func(r *http.Response) error { change(r); return nil },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if uploads != "" && strings.Contains(r.URL.Path, "/blobs/uploads/") {
			w.Header().Set("Location", "http://"+uploads+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

package acceptance

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestSourceNamesBuildpacks has the source's project.toml name buildpacks that
// this machine alone can reach. What the user names is reached.
func TestSourceNamesBuildpacks(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	one := newExtra("acme/one", "1.0", "")
	files := openDir(t)
	oneDir := one.dir(t, filepath.Join(files, "one"))
	if err := os.WriteFile(filepath.Join(files, "one.tgz"), gzipOf(t, one.archive(t, "./")), 0o644); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	server := http.FileServer(http.Dir(files))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	described := func(uri string) string {
		return "[_]\nschema-version = \"0.2\"\n[[io.buildpacks.group]]\nuri = \"" + uri + "\"\n"
	}
	for name, uri := range map[string]string{
		"loopback":       web.URL + "/one.tgz",
		"localhost":      strings.Replace(web.URL, "127.0.0.1", "localhost", 1) + "/one.tgz",
		"TLS":            strings.Replace(web.URL, "http:", "https:", 1) + "/one.tgz",
		"link-local":     "http://169.254.169.254/latest/meta-data/",
		"a file":         "file://" + oneDir,
		"an image there": "docker://169.254.169.254/latest",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := newApp(t, nil, map[string]string{"project.toml": described(uri)})
			refusal{code: 2, args: []string{reg.ref("app"), "--builder", builder, "--path", source.dir, "--publish"},
				says: []string{"the source may ", "HINT: if you mean it, name it on the command line"}}.check(t, reg)
			if asked.Load() > 0 {
				t.Error("the address was asked")
			}
		})
	}
	// The parallel tests above begin when this one is done.
	t.Run("a builder", func(t *testing.T) {
		t.Parallel()
		source := newApp(t, nil, map[string]string{"project.toml": "[_]\nschema-version = \"0.2\"\n[io.buildpacks]\nbuilder = \"169.254.169.254/latest\"\n"})
		refusal{code: 2, args: []string{reg.ref("app"), "--path", source.dir, "--publish"},
			says: []string{"the source may not name 169.254.169.254", "HINT: name the builder with --builder"}}.check(t, reg)
	})
	t.Run("on the command line", func(t *testing.T) {
		m := newMachine(t)
		m.write("ci/project.toml", described(web.URL+"/one.tgz"), 0o644)
		app := newApp(t, nil, nil)
		for _, args := range [][]string{{"--buildpack", web.URL + "/one.tgz"}, {"--descriptor", m.home + "/ci/project.toml"}} {
			before := asked.Load()
			_, out := m.build(append(args, reg.ref("app"), "--path", app.dir, "--builder", builder, "--trust-builder", "--trust-extra-buildpacks", "--publish")...)
			out.wantCode(t, 0)
			out.wantStderr(t, strings.TrimSpace(oneBuilt))
			if asked.Load() == before {
				t.Error("the address was not asked")
			}
			asked.Store(0)
		}
	})
}

package extra

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
)

// TestForeignLocators names buildpacks as a source tree and as the user does.
func TestForeignLocators(t *testing.T) {
	t.Parallel()
	outside := writeFiles(t, map[string]string{"buildpack.toml": descriptorOf("acme/x@1"), "bin/build": ""})
	source := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(source, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(source, "own"), 0o755); err != nil {
		t.Fatal(err)
	}
	up, err := filepath.Rel(source, outside)
	if err != nil {
		t.Fatal(err)
	}
	for locator, want := range map[string]string{
		"http://example.com/x.tgz":               "only name https://",
		"HTTP://example.com/x.tgz":               "only name https://",
		"http://127.0.0.1/x.tgz":                 "only name https://",
		"https://127.0.0.1/x.tgz":                "this machine",
		"https://127.9.9.9:8443/x.tgz":           "this machine",
		"https://[::1]/x.tgz":                    "this machine",
		"https://[::ffff:127.0.0.1]/x.tgz":       "this machine",
		"https://[::]/x.tgz":                     "this machine",
		"https://0.0.0.0/x.tgz":                  "this machine",
		"https://localhost/x.tgz":                "this machine",
		"https://LocalHost./x.tgz":               "this machine",
		"https://a.localhost/x.tgz":              "this machine",
		"https://169.254.169.254/latest/x.tgz":   "own network",
		"https://[fe80::1%25eth0]/x.tgz":         "own network",
		"https://[fd00:ec2::254]/x.tgz":          "own network",
		"https://[64:ff9b::a9fe:a9fe]/x.tgz":     "own network",
		"https://100.100.100.200/x.tgz":          "own network",
		"docker://169.254.169.254/x":             "own network",
		"docker://169.254.169.254:80/x":          "own network",
		"docker://[fe80::1]:80/x":                "own network",
		outside:                                  "outside of itself",
		"file://" + outside:                      "outside of itself",
		up:                                       "outside of itself",
		"link":                                   "outside of itself",
		"own":                                    "",
		"https://example.com/x.tgz":              "",
		"https://10.0.0.1/x.tgz":                 "",
		"docker://registry.example.com/team/x":   "",
		"docker://127.0.0.1:5000/x":              "",
		"file://" + filepath.Join(source, "own"): "",
	} {
		r := &resolver{of: buildpacks, progress: progress.Discard}
		_, err := r.locate(Source{Locator: locator, Dir: source, Within: source})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", locator, err)
		case want != "":
			wantError(t, err, want)
			if !strings.Contains(hint.Of(err), "on the command line") {
				t.Errorf("%s: no hint", locator)
			}
		}
		if _, err := r.locate(Source{Locator: locator, Dir: source}); err != nil {
			t.Errorf("%s of the user: %v", locator, err)
		}
	}
}

// TestForeignConnections follows a redirect and a name to this machine.
func TestForeignConnections(t *testing.T) {
	t.Parallel()
	reached := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// The system knows localhost as a name, which is what this looks up.
	for _, host := range []string{"127.0.0.1", "localhost"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+":"+port, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := foreignTransport().RoundTrip(request)
		if err == nil {
			answer.Body.Close()
		}
		wantError(t, err, "this machine")
	}
	if reached {
		t.Error("the server was reached")
	}
	if err := checkIP(netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Error(err)
	}
}

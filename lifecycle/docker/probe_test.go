package docker

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// fakeDaemon answers what is asked of a daemon before anything else.
func fakeDaemon(t *testing.T, api, system, arch string) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", api) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ApiVersion":%q,"Os":%q,"Arch":%q}`, api, system, arch)
	})
	return mux
}

func TestProbe(t *testing.T) {
	t.Parallel()
	notStatic := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(notStatic, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	program := enginetest.Program(t)
	for _, test := range []struct {
		name, api, system, arch string
		program                 string
		want, hint              string // "" if it works
	}{
		{"oldest that will do", "1.41", "linux", runtime.GOARCH, program, "", ""},
		{"newer than this client", "1.99", "linux", runtime.GOARCH, program, "", ""},
		{"too old", "1.40", "linux", runtime.GOARCH, program, "speaks version 1.40 of the API", "Docker 20.10"},
		{"windows containers", "1.43", "windows", runtime.GOARCH, program, "runs windows containers", "Linux containers"},
		{"another processor", "1.43", "linux", "sparc64", program, "the docker daemon runs on sparc64", "CGO_ENABLED=0"},
		{"no program", "1.43", "linux", runtime.GOARCH, notStatic, "script is not a program for Linux", "CGO_ENABLED=0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(fakeDaemon(t, test.api, test.system, test.arch))
			defer server.Close()
			host := "tcp://" + strings.TrimPrefix(server.URL, "http://")
			_, err := New(Config{Host: host, Executable: test.program, Init: test.program}).Probe(t.Context())
			wantHint(t, err, test.want, test.hint)
		})
	}
}

// TestProbeUnreachable checks that whoever has no daemon learns what to do.
func TestProbeUnreachable(t *testing.T) {
	t.Parallel()
	dead := filepath.Join(t.TempDir(), "dead.sock")
	listener, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	defer tls.Close()
	for name, test := range map[string]struct{ host, want, hint string }{
		"no socket":         {"unix://" + filepath.Join(t.TempDir(), "missing.sock"), "no such file", "start the daemon"},
		"nobody listens":    {"unix://" + dead, "connection refused", "start the daemon"},
		"nobody there":      {"tcp://127.0.0.1:1", "connection refused", "--docker-host"},
		"TLS is wanted":     {"tcp://" + tls.Listener.Addr().String(), tls.Listener.Addr().String(), "DOCKER_TLS_VERIFY"},
		"no host":           {"nonsense", "nonsense", "DOCKER_HOST"},
		"no such transport": {"gopher://somewhere", "gopher://somewhere", "DOCKER_HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{Host: test.host}).Probe(t.Context())
			wantHint(t, err, test.want, test.hint)
		})
	}
}

// wantHint fails unless err has a text in it, and a hint with another.
func wantHint(t *testing.T, err error, want, way string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want an error with %q", err, want)
	}
	if !strings.Contains(hint.Of(err), way) {
		t.Errorf("%v: no hint with %q: %q", err, way, hint.Of(err))
	}
}

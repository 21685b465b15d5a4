package inplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// TestConfinement looks at what the contract does not: what a phase beside
// pack-cache could do to it, and to what others have in the container.
func TestConfinement(t *testing.T) {
	if os.Getenv(rerunEnv) == "" {
		t.Parallel()
		if _, err := confine.LandlockABI(); err != nil {
			testneeds.Missing(t, "landlock: %v", err)
		}
		for _, as := range []string{asRoot, asUser} {
			t.Run(as, func(t *testing.T) { rerun(t, "inplace", as, enginetest.Builder(t), "^TestConfinement$") })
		}
		return
	}
	abi, err := confine.LandlockABI()
	if err != nil {
		t.Skip(err)
	}
	// Something private of every kind, after the container has started.
	private := []string{"/tmp/others", "/var/tmp/private", "/late/file", "/etc/late"}
	for _, path := range private {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil && os.Geteuid() == 0 {
			t.Fatal(err)
		}
	}
	socket := "/var/tmp/daemon.sock"
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	e := New(Config{Executable: enginetest.Program(t)})
	said := &warnings{Reporter: progress.Discard}
	place, err := e.Open(t.Context(), lifecycle.PlaceSpec{
		Builder: empty.Image, User: lifecycle.User{UID: testUID, GID: testGID}, Volumes: lifecycle.Volumes(), Progress: said,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	phase := func(args ...string) lifecycle.Phase {
		return lifecycle.Phase{
			Name: lifecycle.Build, Root: lifecycle.BuilderRoot, User: lifecycle.User{UID: testUID, GID: testGID},
			Args: append([]string{"/cnb/lifecycle/tool"}, args...), Dir: "/", Network: lifecycle.NetworkHost,
		}
	}
	t.Run("files", func(t *testing.T) {
		reads := []string{"do"}
		for _, path := range private[:3] {
			reads = append(reads, "read:"+path)
		}
		for i, step := range ask[[]report.Step](t, place, phase(append(reads, "read:/etc/passwd", "list:/", "write:/cnb/new=x", "write:/layers/not-mounted=x")...)) {
			if allowed := step.Err == ""; allowed != (i == 3) {
				t.Errorf("step %d: %+v", i, step)
			}
		}
	})
	t.Run("system calls and signals", func(t *testing.T) {
		got := ask[map[string]string](t, place, phase("calls"))
		want := map[string]string{"clone3": "ENOSYS", "unshare nothing": "allowed", "no new privileges": "on"}
		if abi >= confine.LandlockScope || os.Geteuid() == 0 {
			want["signal init"] = "EPERM"
		}
		for name := range got {
			if _, special := want[name]; !special {
				want[name] = "EPERM"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
	t.Run("sockets", func(t *testing.T) {
		if got := ask[[]report.Step](t, place, phase("dial", "unix", socket)); got[1].Err == "" {
			t.Error("a socket can be connected to")
		}
	})
	if text := said.text.String(); !strings.Contains(text, "/tmp/others") || !strings.Contains(text, socket) || os.Geteuid() == 0 && !strings.Contains(text, "/late") {
		t.Errorf("the user is told %q", text)
	}
}

// ask runs a phase and decodes what it says.
func ask[T any](t *testing.T, place lifecycle.Place, phase lifecycle.Phase) T {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := place.Run(t.Context(), phase, lifecycle.Streams{Stdout: &stdout, Stderr: &stderr}); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var v T
	if err := json.Unmarshal(stdout.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// warnings keeps what the user is told.
type warnings struct {
	progress.Reporter
	text strings.Builder
}

func (w *warnings) Info(message string) { w.text.WriteString(message + "\n") }
func (w *warnings) Warn(message string) { w.text.WriteString(message + "\n") }
func (w *warnings) Hint(message string) { w.text.WriteString(message + "\n") }

// TestUntrusted says which builds cannot be run here, and that no place is opened for an
// untrusted one where there is no Landlock.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	missing := errors.New("no landlock (function not implemented)")
	with, without := &host{abi: 2}, &host{noABI: missing}
	if err := with.facts("").Untrusted; err != nil {
		t.Error(err)
	}
	_, openErr := without.open(t.Context(), lifecycle.PlaceSpec{User: lifecycle.User{UID: 1, GID: 1}}, nil)
	for want, errs := range map[string][]error{
		"config trusted-builders add": {without.facts("").Untrusted, openErr},
		"--engine sandbox":            {with.facts("").NoNetwork, without.facts("").NoNetwork},
	} {
		for _, err := range errs {
			if !strings.Contains(hint.Of(err), want) {
				t.Errorf("got %v, want a hint with %q", err, want)
			}
		}
	}
}

// TestAbandoned puts in order what a killed process left.
func TestAbandoned(t *testing.T) {
	if os.Getenv(rerunEnv) == "" {
		t.Parallel()
		rerun(t, "inplace", asUser, enginetest.Builder(t), "^TestAbandoned$")
		return
	}
	if err := os.WriteFile("/workspace/mine", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() lifecycle.Place {
		place, err := New(Config{Executable: enginetest.Program(t)}).Open(t.Context(), lifecycle.PlaceSpec{
			Builder: empty.Image, User: lifecycle.User{UID: testUID, GID: testGID}, Volumes: lifecycle.Volumes(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	lost := open().(*place)
	if err := errors.Join(os.WriteFile("/layers/left", nil, 0o600), os.WriteFile("/workspace/built", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	lost.claim.Close() // as the kernel does when a process is killed
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{"/layers": "", "/workspace": "mine"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has %q, want %q", dir, got, want)
		}
	}
	if exists(lost.host.dir) {
		t.Errorf("%s is left", lost.host.dir)
	}
}

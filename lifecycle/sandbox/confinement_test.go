package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

var testUser = lifecycle.User{UID: 1001, GID: 1002}

// openPlace opens a place of the suite's builder. It returns what is reported,
// too.
func openPlace(t *testing.T, img v1.Image) (lifecycle.Place, *recorder, error) {
	t.Helper()
	e := New(Config{StoreDir: t.TempDir(), WorkDir: t.TempDir(), Executable: enginetest.Program(t)})
	record := &recorder{Reporter: progress.Discard}
	place, err := e.Open(t.Context(), lifecycle.PlaceSpec{Builder: img, User: testUser, Progress: record})
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() {
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	})
	return place, record, place.Ready(t.Context())
}

// recorder keeps debug messages.
type recorder struct {
	progress.Reporter
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Debug(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(&r.text, message)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// run runs the probe in a phase and decodes what it says.
func run[T any](t *testing.T, place lifecycle.Place, phase lifecycle.Phase) T {
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

func ownPhase(args ...string) lifecycle.Phase {
	return lifecycle.Phase{
		Name: lifecycle.Export, Root: lifecycle.OwnRoot, User: testUser,
		Args: args, Dir: "/", Network: lifecycle.NetworkHost,
	}
}

// TestConfinement runs the tests below as the current user and, if that is
// root, also as one with a single id, who could do most without the filters.
func TestConfinement(t *testing.T) {
	if os.Geteuid() == 0 && os.Getenv(rerunEnv) == "" {
		t.Run("one id", func(t *testing.T) {
			rerun(t, circumstances{kind: rerunPlain, uid: 4242, gid: 4242}, "^TestConfinement$")
		})
	}
	place, record, err := openPlace(t, enginetest.Builder(t))
	if err != nil {
		t.Fatal(err)
	}
	abi, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)

	t.Run("system calls", func(t *testing.T) {
		got := run[map[string]string](t, place, ownPhase("calls"))
		want := map[string]string{"clone3": "ENOSYS", "unshare nothing": "allowed", "no new privileges": "on", "signal init": "EPERM"}
		for name := range got {
			if _, special := want[name]; !special {
				want[name] = "EPERM"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 20 {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
	t.Run("what was applied is said", func(t *testing.T) {
		want := fmt.Sprintf("landlock ABI %d", abi)
		if int(abi) < confine.LandlockRefer {
			want = "no landlock"
		}
		if text := record.String(); !strings.Contains(text, want) || !strings.Contains(text, "seccomp") {
			t.Errorf("%q does not say %q", text, want)
		}
	})
	t.Run("abstract sockets", func(t *testing.T) {
		address := "@pack-cache-sandbox-" + filepath.Base(t.TempDir()) + fmt.Sprint(os.Getpid())
		listener, err := net.Listen("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		got := run[[]report.Step](t, place, ownPhase("dial", "unix", address))
		if reached := got[1].Err == ""; reached != (int(abi) < confine.LandlockScope) {
			t.Errorf("with landlock ABI %d: reached is %t, %s", abi, reached, got[1].Err)
		}
	})
	t.Run("a root as build user", func(t *testing.T) {
		phase := ownPhase("say")
		phase.User = lifecycle.User{UID: 0, GID: 1}
		if err := place.Run(t.Context(), phase, lifecycle.Streams{}); err == nil {
			t.Error("a phase ran as root")
		}
	})
}

// TestSealedCopy makes sure that what phases are started from stays what it is.
func TestSealedCopy(t *testing.T) {
	t.Parallel()
	sealed, err := confine.SealedCopy("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	if _, err := sealed.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing: %v", err)
	}
	if err := sealed.Truncate(0); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncating: %v", err)
	}
	if again, err := os.OpenFile(confine.FDPath(int(sealed.Fd())), os.O_RDWR, 0); err == nil {
		if _, err := again.Write([]byte("x")); !errors.Is(err, unix.EPERM) {
			t.Errorf("writing by another name: %v", err)
		}
		again.Close()
	}
}

// TestHostFiles gives own phases the certificates that their environment names.
func TestHostFiles(t *testing.T) {
	dir := publicDir(t)
	file := filepath.Join(dir, "ca.pem")
	certs := filepath.Join(dir, "certs")
	if err := errors.Join(
		os.WriteFile(file, []byte("a file"), 0o644), os.Mkdir(certs, 0o755), os.Chmod(certs, 0o755),
		os.WriteFile(filepath.Join(certs, "a.pem"), []byte("in a directory"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	place, _, err := openPlace(t, enginetest.Builder(t))
	if err != nil {
		t.Fatal(err)
	}
	phase := ownPhase("do", "read:"+file, "read:"+certs+"/a.pem", "write:"+file+"=x", "read:/etc/hosts")
	phase.Env = []string{
		"SSL_CERT_FILE=" + file, "SSL_CERT_DIR=/etc/ssl/certs:/no/such/dir:" + certs + ":relative",
	}
	got := run[[]report.Step](t, place, phase)
	if got[0].Out != "a file" || got[1].Out != "in a directory" || got[2].Err == "" || got[3].Out == "" {
		t.Errorf("got %+v", got)
	}
}

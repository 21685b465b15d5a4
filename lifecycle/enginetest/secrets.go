package enginetest

import (
	"bytes"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// secret is what no phase of the builder may find.
const secret = "canary-3f9c0b7e51d2"

// plantSecrets puts the secret wherever a machine that builds may have one.
func plantSecrets(t *testing.T, home, program string, shared bool) {
	t.Helper()
	t.Setenv("CNB_REGISTRY_AUTH", `{"registry.example.com":"Bearer `+secret+`"}`)
	docker := filepath.Join(home, ".docker")
	if err := os.MkdirAll(docker, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(docker, "config.json")
	// Readable for all, so that only the engine keeps it out of reach.
	if err := os.WriteFile(config, []byte(secret), 0o644); err != nil {
		t.Fatal(err)
	}
	inherit(t, config)
	inherit(t, docker)
	serve(t, filepath.Join(home, "agent.sock"))

	other := exec.Command(program, "wait", "stubborn")
	if !shared { // with the phases: everybody can see arguments
		other.Args = append(other.Args, secret)
	}
	other.Env = []string{"SECRET=" + secret}
	other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	})
}

// inherit opens a file the way a shell does: every program that is started has
// it open too.
func inherit(t *testing.T, path string) {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
}

// serve hands the secret to whoever connects.
func serve(t *testing.T, path string) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(secret))
			conn.Close()
		}
	}()
}

// testSecrets lets the builder look for the secret, after and beside own phases
// that have it.
func testSecrets(t *testing.T, s *suite) {
	place := s.place(t)
	var past bytes.Buffer
	streams := lifecycle.Streams{Stdin: strings.NewReader(secret), Stdout: &past}
	if err := place.Run(t.Context(), ownPhase("cat"), streams); err != nil || past.String() != secret {
		t.Fatalf("a phase with the secret: %q, %v", past.String(), err)
	}
	cancel, ended := started(t, place, with(ownPhase("keep"), layers), strings.NewReader(secret))
	phase := with(builderPhase("scan", hex.EncodeToString([]byte(secret)), "/", s.home,
		filepath.Join(s.home, ".docker", "config.json"), filepath.Join(s.home, "agent.sock")), layers, app)
	for _, found := range decode[[]report.Finding](t, output(t, place, phase)) {
		t.Errorf("found in %s: %s", found.Where, found.What)
	}
	cancel()
	<-ended
}

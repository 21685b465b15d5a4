package enginetest

import (
	"bufio"
	"bytes"
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

	startVictim(t, home, program, shared)
}

// startVictim starts another program that has the secret wherever a process can
// have one.
func startVictim(t *testing.T, home, program string, shared bool) {
	t.Helper()
	dir := filepath.Join(home, "victim")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	victim := exec.Command(program, "victim", dir)
	if !shared { // with the phases: everybody can see arguments
		victim.Args = append(victim.Args, secret)
	}
	victim.Env = []string{"SECRET=" + secret}
	victim.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stdin, err := victim.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = victim.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("no victim: %q, %v", line, err)
	}
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

// testSecrets has the builder attack, after and beside own phases that have the
// secret.
func testSecrets(t *testing.T, s *suite) {
	place := s.place(t)
	var past bytes.Buffer
	streams := lifecycle.Streams{Stdin: strings.NewReader(secret), Stdout: &past}
	if err := place.Run(t.Context(), ownPhase("cat"), streams); err != nil || past.String() != secret {
		t.Fatalf("a phase with the secret: %q, %v", past.String(), err)
	}
	cancel, ended := started(t, place, with(ownPhase("keep"), layers), strings.NewReader(secret))
	orders := Orders(secret)
	orders.Beside = s.has(InPlace)
	orders.Shared = []string{s.home}
	orders.Places = []string{"/", s.home, filepath.Join(s.home, ".docker", "config.json"), filepath.Join(s.home, "agent.sock")}
	for _, name := range []string{"detect", "build"} {
		phase := with(builderPhase("attack", name, orders.String()), layers, app)
		CheckAttack(t, decode[report.Attack](t, output(t, place, phase)), Excepted())
	}
	cancel()
	<-ended
}

// ownSession gives a process a session, as phases have one.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

package acceptance

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// keptImage is what a daemon says of an image.
type keptImage struct {
	ID string `json:"Id"`
}

// kept returns an image in the daemon; its ID is "" if there is none.
func (g ground) kept(t *testing.T, name string) keptImage {
	t.Helper()
	var body bytes.Buffer
	var img keptImage
	err := g.daemon.Get(t.Context(), "/v1.41/images/"+name+"/json", &body)
	if err != nil && strings.Contains(err.Error(), http.StatusText(http.StatusNotFound)) {
		return img
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body.Bytes(), &img); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(img.ID, ":") {
		img.ID = "sha256:" + img.ID
	}
	return img
}

// docker runs Docker's own client on the daemon, and fails if that does.
func (g ground) docker(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "DOCKER_HOST=" + g.daemon.Host}
	cmd.Stdin = stdin
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// wantRuns starts an image in the daemon.
func (g ground) wantRuns(t *testing.T, image string) {
	t.Helper()
	output := g.docker(t, nil, "run", "--rm", "--network", "none", image)
	wantLines(t, output, "hello from tiny\n", "from layer only-launch\n", "\nPWD=/workspace\n")
}

// counted passes everything on to a daemon and counts what it is sent.
type counted struct {
	host string
	sent atomic.Int64
	// stopLoads has it stop in the middle of an image, and stopped tells that it
	// has.
	stopLoads, stopped atomic.Bool
}

// count starts what counts. It ends with the test.
func (g ground) count(t *testing.T) *counted {
	t.Helper()
	socket := filepath.Join(openDir(t), "sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	c := &counted{host: "unix://" + socket}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(from, strings.TrimPrefix(g.daemon.Host, "unix://"))
		}
	}()
	return c
}

func (c *counted) pass(from net.Conn, socket string) {
	defer from.Close()
	to, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(from, to)
		_ = from.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(to, &sending{from, c})
	_ = to.(*net.UnixConn).CloseWrite()
	_, _ = io.Copy(io.Discard, to)
}

// sending is what a connection sends.
type sending struct {
	net.Conn
	to *counted
}

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	s.to.sent.Add(int64(n))
	if s.to.stopLoads.Load() && bytes.Contains(p[:n], []byte("/images/load")) {
		s.to.stopped.Store(true)
		_, _ = io.Copy(io.Discard, s.Conn) // until it is closed
		return 0, io.EOF
	}
	return n, err
}

package testservers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// Command is a server to start.
type Command struct {
	// Path and Args are the program and its arguments, Env all of its
	// environment besides PATH and HOME, which is Dir.
	Path string
	Args []string
	Env  []string
	// Dir is the working directory.
	Dir string
	// Ready reports whether the server answers.
	Ready func(ctx context.Context) error
}

// Start starts a server for a test and returns when it answers. It ends with the
// test, or with the test's process.
func Start(t testing.TB, c Command) {
	t.Helper()
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir}, c.Env...)
	p, err := testprocess.Start(cmd)
	if err != nil {
		t.Fatalf("start %s: %v", c.Path, err)
	}
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := c.Ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.Done:
			t.Fatalf("%s ended at once: %s", c.Path, p.Log())
		case <-ctx.Done():
			t.Fatalf("%s does not answer: %v: %s", c.Path, err, p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// FreeAddress returns an address on loopback that nobody listens at.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Answers reports whether something speaks HTTP at a URL, whatever it says short
// of being out of service.
func Answers(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		if resp.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	}
}

// Listens reports whether somebody listens at a Unix socket.
func Listens(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

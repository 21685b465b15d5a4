// Package testdocker starts real Docker daemons, and Podman's service that
// speaks the same API, for tests and for nothing else: each with a socket, a
// store and namespaces of its own, so that it sees nothing of a daemon that is
// there already and leaves nothing behind.
package testdocker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// Options says what daemon to start. The zero value is Docker.
type Options struct {
	// Podman starts Podman's service instead.
	Podman bool
	// Program is the dockerd to start, "" for the machine's.
	Program string
}

// Daemon is a running daemon. Its methods are safe for concurrent use.
type Daemon struct {
	// Host is where it listens, as DOCKER_HOST spells it.
	Host string
	// Dir is where it keeps everything.
	Dir string

	args    []string
	mu      sync.Mutex
	process *testprocess.Process
}

// Start starts a daemon and returns when it answers. The caller closes it; it
// also ends, with all its containers, when the caller's process does.
func Start(ctx context.Context, options Options) (_ *Daemon, err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a private daemon needs root")
	}
	dir, err := os.MkdirTemp("", "pack-cache-docker-")
	if err != nil {
		return nil, err
	}
	d := &Daemon{Dir: dir, Host: "unix://" + filepath.Join(dir, "sock")}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	command := dockerCommand
	if options.Podman {
		command = podmanCommand
	}
	if d.args, err = command(dir, d.Host); err != nil {
		return nil, err
	}
	if options.Program != "" {
		d.args[0] = options.Program
	}
	return d, d.start(ctx)
}

// New starts a daemon for a test and closes it when the test ends. Where that is
// not possible, the test is skipped; in CI it fails.
func New(t testing.TB, options Options) *Daemon {
	t.Helper()
	d, err := Start(t.Context(), options)
	if err != nil {
		testneeds.Missing(t, "cannot start a daemon: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Close ends the daemon with everything that runs in it, and removes its store.
// It is idempotent.
func (d *Daemon) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process != nil {
		d.process.Kill()
		d.process = nil
	}
	return os.RemoveAll(d.Dir)
}

// Restart asks the daemon to end, waits until it has, and starts it again with
// the same store.
func (d *Daemon) Restart(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return errors.New("the daemon is closed")
	}
	if err := terminate(ctx, d.process); err != nil {
		return fmt.Errorf("stopping %s: %w", d.args[0], err)
	}
	d.process = nil
	return d.start(ctx)
}

// Log returns what the daemon has written since its last start.
func (d *Daemon) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return ""
	}
	return d.process.Log()
}

// start starts the process and waits until it answers.
func (d *Daemon) start(ctx context.Context) error {
	var err error
	if d.process, err = run(d.args); err != nil {
		return err
	}
	for {
		if err = d.Get(ctx, "/_ping", io.Discard); err == nil {
			return nil
		}
		select {
		case <-d.process.Done:
			return fmt.Errorf("%s ended at once: %s", d.args[0], d.process.Log())
		case <-ctx.Done():
			return fmt.Errorf("%w, waiting for %s (%w): %s", ctx.Err(), d.args[0], err, d.process.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Get writes what the daemon's API answers at a path.
func (d *Daemon) Get(ctx context.Context, path string, to io.Writer) error {
	return d.request(ctx, http.MethodGet, path, to)
}

// Delete has the daemon remove what is at a path of its API.
func (d *Daemon) Delete(ctx context.Context, path string) error {
	return d.request(ctx, http.MethodDelete, path, io.Discard)
}

func (d *Daemon) request(ctx context.Context, method, path string, to io.Writer) error {
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(d.Dir, "sock"))
		},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return errors.New(answer.Status)
	}
	_, err = io.Copy(to, answer.Body)
	return err
}

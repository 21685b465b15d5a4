package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/turn"
)

// oldestAPI is the oldest version of the API that the engine speaks.
const oldestAPI = "1.41"

// daemon is what the engine knows about a daemon, and its images there.
type daemon struct {
	api      *client.Client
	arch     string    // of the machine that it runs on
	product  string    // name and version
	programs *programs // nil until they are needed
	// images is held by whoever looks for an image and loads it.
	images turn.Lock

	oldPlace, oldImage time.Duration // see their constants
}

// probe connects to the daemon and checks that it is one that can be used.
func probe(ctx context.Context, config Config) (*daemon, error) {
	api, err := connect(config.Host)
	if err != nil {
		return nil, hint.Errorf("check --docker-host and the environment variables DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
			"docker daemon: %w", err)
	}
	d := &daemon{api: api, images: turn.New(), oldPlace: oldPlace, oldImage: oldImage}
	if err := d.check(ctx); err != nil {
		api.Close()
		return nil, err
	}
	return d, nil
}

func (d *daemon) check(ctx context.Context) error {
	version, err := d.api.ServerVersion(ctx) // negotiates, too
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return d.unreachable(ctx, err)
	}
	if version.Os != "linux" {
		return hint.Errorf("switch it to Linux containers, or choose another engine",
			"the docker daemon at %s runs %s containers", d.api.DaemonHost(), version.Os)
	}
	if versions.LessThan(d.api.ClientVersion(), oldestAPI) {
		return hint.Errorf("use Docker 20.10 or newer, or Podman 4 or newer; version "+oldestAPI+" of the API is needed",
			"the docker daemon at %s is too old: it speaks version %s of the API", d.api.DaemonHost(), d.api.ClientVersion())
	}
	d.arch, d.product = version.Arch, "Docker "+version.Version
	for _, part := range version.Components {
		if part.Name == "Podman Engine" {
			d.product = "Podman " + part.Version
		}
	}
	return nil
}

// unreachable explains why there is no answer from a daemon.
func (d *daemon) unreachable(ctx context.Context, err error) error {
	host := d.api.DaemonHost()
	if client.IsErrConnectionFailed(err) {
		// The client does not say why.
		if conn, cause := d.api.Dialer()(ctx); cause != nil {
			err = cause
		} else {
			conn.Close()
		}
	}
	remedy := "check that a daemon is running there, or choose another one with --docker-host or DOCKER_HOST"
	switch {
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("the docker daemon at %s cannot be asked: %w", host, err)
	case errors.Is(err, fs.ErrPermission):
		remedy = "you may not use the daemon's socket: join the group that owns it (usually docker), or run a rootless daemon"
	case strings.HasPrefix(host, "unix:") && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)):
		remedy = "start the daemon (systemctl start docker, or systemctl start podman.socket), or choose another one with --docker-host or DOCKER_HOST"
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		remedy = "the daemon does not speak TLS: unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		remedy = "the daemon speaks TLS: set DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
	}
	return hint.Errorf(remedy, "no docker daemon answers at %s: %w", host, err)
}

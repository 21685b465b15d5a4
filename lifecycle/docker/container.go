package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

const (
	// startLimit is how long the daemon may take to start a container.
	startLimit = 2 * time.Minute
	// stopGrace is how long a phase may take to end after SIGTERM.
	stopGrace = 2 * time.Second
	// killLimit is how long the daemon may take to kill a container.
	killLimit = 30 * time.Second
)

// vessel is what a container is made of.
type vessel struct {
	name    string
	image   string
	user    lifecycle.User
	caps    []string // it has no others
	network lifecycle.Network
	// hostUserns leaves out the user namespace that the daemon is set up for.
	hostUserns bool
	mounts     []mounting
	labels     map[string]string
}

// config is the container's configuration. It has nothing of the phase that
// could be a secret, and nothing of the image's own settings works.
func (v vessel) config() (*container.Config, *container.HostConfig) {
	// A name that resolves, as programs expect of their machine's, even where
	// nobody could be asked.
	network, hostname := container.NetworkMode(v.network), "localhost"
	if v.network != lifecycle.NetworkNone {
		hostname = "" // the machine's name, or what the network gives
	}
	init := false
	binds, mounts := split(v.mounts)
	config := &container.Config{
		Hostname:   hostname,
		Image:      v.image,
		User:       fmt.Sprintf("%d:%d", v.user.UID, v.user.GID),
		Entrypoint: []string{inside.Init},
		Cmd:        []string{inside.Marker},
		WorkingDir: "/",
		// An image may not tell the first process's runtime what to do.
		Env:         []string{"GODEBUG="},
		Labels:      v.labels,
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		StopSignal:  "SIGTERM",
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
		OpenStdin: true, StdinOnce: true,
	}
	host := &container.HostConfig{
		AutoRemove:  true,
		Init:        &init,
		IpcMode:     container.IPCModePrivate,
		NetworkMode: network,
		Binds:       binds,
		Mounts:      mounts,
		CapDrop:     []string{"ALL"},
		CapAdd:      v.caps,
		SecurityOpt: []string{"no-new-privileges"},
		// Nothing that passes through is for the daemon's disk.
		LogConfig: container.LogConfig{Type: "none"},
	}
	if v.hostUserns {
		host.UsernsMode = "host"
	}
	return config, host
}

// running is a container that has been started, with its streams.
type running struct {
	daemon *daemon
	id     string
	conn   types.HijackedResponse
	cancel context.CancelFunc // of waiting
	exited <-chan container.WaitResponse
	lost   <-chan error

	copied chan struct{} // closed when all output has been passed on
	ready  chan struct{} // closed when the first process is ready
	failed *inside.Notice
	// whole tells that nothing of the output is missing.
	whole bool
}

// start starts a container and gives its first process an order. Stdin may be
// nil; what it is read for goes on after the container has ended.
func (d *daemon) start(ctx context.Context, v vessel, order *inside.Order, streams lifecycle.Streams) (*running, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A request that is broken off may still come to an end in the daemon, and
	// leave a container that nobody knows of.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer cancel()
	config, host := v.config()
	created, err := d.api.ContainerCreate(limited, config, host, nil, nil, v.name)
	if err != nil {
		return nil, step(err, "making a container")
	}
	r := &running{daemon: d, id: created.ID, copied: make(chan struct{}), ready: make(chan struct{})}
	if err := r.launch(limited, order, streams); err != nil {
		return nil, errors.Join(err, d.remove(limited, r.id))
	}
	return r, nil
}

// launch starts a container that has been made.
func (r *running) launch(ctx context.Context, order *inside.Order, streams lifecycle.Streams) (err error) {
	api := r.daemon.api
	r.conn, err = api.ContainerAttach(ctx, r.id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		// Podman starts half of a container to attach to it.
		return &startError{step(err, "attaching to a container")}
	}
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	r.exited, r.lost = api.ContainerWait(waiting, r.id, container.WaitConditionNextExit)
	if err := api.ContainerStart(ctx, r.id, container.StartOptions{}); err != nil {
		cancel()
		r.conn.Close()
		return &startError{step(err, "starting a container")}
	}
	go r.passOutput(order.Secret, streams)
	go r.passInput(order, streams.Stdin)
	return nil
}

// passOutput passes on what the container writes.
func (r *running) passOutput(secret string, streams lifecycle.Streams) {
	defer close(r.copied)
	ready := sync.OnceFunc(func() { close(r.ready) })
	unfinished := 2
	ending := func(w io.Writer) *inside.Ending {
		return &inside.Ending{Secret: secret, Rest: w, Whole: func() {
			if unfinished--; unfinished == 0 {
				r.whole = true
				// The process need not read at once.
				go func() { _ = inside.WriteGoodbye(r.conn.Conn) }()
			}
		}}
	}
	stdout := ending(&announcing{orDiscard(streams.Stdout), ready})
	rest := ending(orDiscard(streams.Stderr))
	stderr := &inside.Notices{Secret: secret, Rest: rest, Notice: func(n inside.Notice) {
		if n.Ready {
			ready()
		} else {
			r.failed = &n
		}
	}}
	// A writer that fails, or a daemon that is gone, is told by how the
	// container ends.
	_, _ = stdcopy.StdCopy(stdout, stderr, r.conn.Reader)
	_ = stderr.Flush()
	stdout.Flush()
	rest.Flush()
	// What is left must not keep the container from ending.
	_, _ = io.Copy(io.Discard, r.conn.Reader)
}

// passInput sends the order, and then stdin when the first process is ready.
func (r *running) passInput(order *inside.Order, stdin io.Reader) {
	// A container that does not take it says itself what is wrong.
	if err := inside.WriteOrder(r.conn.Conn, order); err != nil || stdin == nil {
		return
	}
	select {
	case <-r.ready:
		_ = inside.CopyFrames(r.conn.Conn, stdin)
	case <-r.copied:
	}
}

// announcing is a writer that announces what it is about to write. What a
// process writes to its standard output can overtake a notice that came before.
type announcing struct {
	io.Writer
	announce func()
}

// Write implements io.Writer.
func (a *announcing) Write(p []byte) (int, error) {
	a.announce()
	return a.Writer.Write(p)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// wait waits until the container has ended, and returns its exit code. When ctx
// ends first, it stops the container and returns ctx.Err().
func (r *running) wait(ctx context.Context) (int, error) {
	defer r.cancel()
	defer r.conn.Close()
	select {
	case end := <-r.exited:
		return r.end(end)
	case err := <-r.lost:
		return 0, step(err, "waiting for a container")
	case <-ctx.Done():
		r.stop(context.WithoutCancel(ctx))
		r.conn.Close()
		<-r.copied
		return 0, ctx.Err()
	}
}

// end tells how a container has ended.
func (r *running) end(end container.WaitResponse) (int, error) {
	<-r.copied
	if end.Error != nil && end.Error.Message != "" {
		return 0, fmt.Errorf("waiting for a container: %s", end.Error.Message)
	}
	if r.failed != nil {
		return 0, &failure{*r.failed}
	}
	select {
	case <-r.ready:
	default:
		return 0, fmt.Errorf("a container ended with %d before it did anything", end.StatusCode)
	}
	if !r.whole && end.StatusCode == 0 {
		return 0, errors.New("the end of a container's output was lost")
	}
	return int(end.StatusCode), nil
}

// stop asks the container to end, and then no longer asks.
func (r *running) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	// It may have ended by itself.
	_ = r.daemon.api.ContainerKill(ctx, r.id, "SIGTERM")
	select {
	case <-r.exited:
		return
	case <-r.lost:
	case <-time.After(stopGrace):
	}
	_ = r.daemon.remove(ctx, r.id)
}

// abandon lets go of the container, whose first process then ends.
func (r *running) abandon() {
	r.cancel()
	r.conn.Close()
}

// untilReady waits until the first process is ready.
func (r *running) untilReady(ctx context.Context) error {
	select {
	case <-r.ready:
		return nil
	case <-r.copied:
	case <-ctx.Done():
	}
	_, err := r.wait(ctx)
	if err == nil {
		err = errors.New("a container ended at once")
	}
	return err
}

package docker

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"sync"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// errCutShort says that a job ended without saying how.
var errCutShort = errors.New("the attendant container was lost")

// secret returns a new secret for an order.
func secret() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// job is an order that is executed beside the attendant.
type job struct {
	conn types.HijackedResponse
	// notices are what it says; closed at its end.
	notices chan inside.Notice
}

// execute starts a job, whose output goes to stdout.
func (p *place) execute(ctx context.Context, order *inside.Order, stdout io.Writer) (*job, error) {
	order.Secret = secret()
	api := p.daemon.api
	made, err := api.ContainerExecCreate(ctx, p.attendant.id, container.ExecOptions{
		User: "0:0", Cmd: []string{inside.Init, inside.Marker}, WorkingDir: "/",
		AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, err
	}
	conn, err := api.ContainerExecAttach(ctx, made.ID, container.ExecAttachOptions{})
	if err != nil {
		return nil, err
	}
	j := &job{conn: conn, notices: make(chan inside.Notice, 8)}
	go j.listen(order.Secret, stdout)
	if err := inside.WriteOrder(conn.Conn, order); err != nil {
		conn.Close()
		return nil, err
	}
	return j, nil
}

// listen passes on what the job writes.
func (j *job) listen(secret string, stdout io.Writer) {
	defer close(j.notices)
	stderr := &inside.Notices{Secret: secret, Rest: io.Discard, Notice: func(n inside.Notice) { j.notices <- n }}
	_, _ = stdcopy.StdCopy(stdout, stderr, j.conn.Reader)
}

// check returns the failure in a notice, which is the last if there are no more.
func check(n inside.Notice, more bool) error {
	switch {
	case !more:
		return errCutShort
	case n.Error != "":
		return &failure{n}
	}
	return nil
}

// Unpack implements base.Work.
func (p *place) Unpack(ctx context.Context, volume string, archive io.Reader) error {
	j, err := p.execute(ctx, &inside.Order{Import: &inside.Import{Volume: volume, User: p.user}}, io.Discard)
	if err != nil {
		return err
	}
	defer j.conn.Close()
	var failures base.ReadErrors
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// That the job takes no more is told by the job.
		_ = inside.CopyFrames(j.conn.Conn, failures.Of(archive))
		if failures.First() != nil {
			j.conn.Close()
		}
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case n, more := <-j.notices:
		if err := check(n, more); !errors.Is(err, errCutShort) {
			return err
		}
	}
	<-sent
	return cmp.Or(failures.First(), errCutShort)
}

// open opens a file of a volume, or the archive of a directory.
func (p *place) open(ctx context.Context, from *inside.Export) (io.ReadCloser, error) {
	read, write := io.Pipe()
	writing := make(chan struct{})
	stdout := &announcing{write, sync.OnceFunc(func() { close(writing) })}
	j, err := p.execute(ctx, &inside.Order{Export: from}, stdout)
	if err != nil {
		return nil, err
	}
	if err := j.begun(ctx, writing); err != nil {
		j.conn.Close()
		read.Close()
		return nil, err
	}
	go func() {
		defer j.conn.Close()
		write.CloseWithError(j.whole()) // nil is io.EOF
	}()
	return read, nil
}

// begun waits until the job is ready or writes.
func (j *job) begun(ctx context.Context, writing <-chan struct{}) error {
	select {
	case <-writing:
		return nil
	case n, more := <-j.notices:
		return check(n, more)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whole waits until all that the job writes has been passed on, and tells
// whether it was all there is to say.
func (j *job) whole() error {
	err := errCutShort
	for n := range j.notices {
		if n.Done || n.Error != "" {
			err = check(n, true)
			_ = j.conn.CloseWrite() // the job waits for this
		}
	}
	return err
}

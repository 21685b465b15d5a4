package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// do has a job done by who may do it.
func (h *host) do(ctx context.Context, id identity, j *job, in io.Reader) (*os.File, error) {
	if !id.userNS() {
		return perform(ctx, j, until.Reader(ctx, in))
	}
	var failures base.ReadErrors
	if in != nil {
		in = failures.Of(in)
	}
	var stderr strings.Builder
	p, err := h.start(id, starting{kind: helperProcess, user: j.User, stdin: in, stderr: &stderr})
	if err != nil {
		return nil, err
	}
	defer p.kill()
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	file, err := ask(p.control, j)
	if ctx.Err() != nil {
		if file != nil {
			file.Close()
		}
		return nil, ctx.Err()
	}
	if err := failures.First(); err != nil {
		return nil, err // only imports read, and they give no file
	}
	if text := strings.TrimSpace(stderr.String()); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return file, err
}

// ask sends a job to a helper and waits for its only answer.
func ask(c *control, j *job) (*os.File, error) {
	if err := c.Send(message{Job: j}, nil); err != nil {
		return nil, fmt.Errorf("helper: %w", err)
	}
	m, file, err := c.Receive()
	if err != nil {
		return nil, fmt.Errorf("helper: %w", err)
	}
	if m.Failure != nil {
		return nil, m.Failure
	}
	return file, nil
}

// runHelper is a process in a user namespace that does one job.
func runHelper(c *control) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return confine.Step(err, "parent death signal")
	}
	m, _, err := c.Receive()
	if err != nil {
		return err
	}
	if err := confine.Protect(); err != nil {
		return err
	}
	if m.Job == nil {
		return errors.New("helper got no job")
	}
	unix.Umask(0o022)
	switch m.Job.Kind {
	case jobUnpack:
		return unpackInHelper(c, m.Job.Unpack)
	case jobPrune:
		freed, err := m.Job.Prune.do(context.Background(), unpack.Options{Owner: m.Job.Prune.Identity.owner, UserXattr: true})
		if err != nil {
			return err
		}
		return c.Send(message{Result: &result{Freed: freed}}, nil)
	}
	file, err := perform(context.Background(), m.Job, os.Stdin)
	if err != nil {
		return err
	}
	if file != nil {
		defer file.Close()
	}
	return c.Send(message{Result: &result{}}, file)
}

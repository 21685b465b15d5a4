package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// stopGrace is how long a phase may take to end after SIGTERM.
const stopGrace = 2 * time.Second

// run runs a task to its end. It returns what the task's processes found.
func (h *host) run(ctx context.Context, t *task, streams lifecycle.Streams, report progress.Reporter) (*result, error) {
	namespaces := uintptr(unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS)
	if t.Phase.Network == lifecycle.NetworkNone {
		namespaces |= unix.CLONE_NEWNET
	}
	p, err := h.start(t.Identity, starting{
		kind: initProcess, user: t.Phase.User, namespaces: namespaces,
		private: t.Phase.Root == lifecycle.OwnRoot,
		stdin:   streams.Stdin, stdout: streams.Stdout, stderr: streams.Stderr,
	})
	if err != nil {
		return nil, err
	}
	defer p.control.Close()
	sendErr := p.control.Send(message{Task: t}, nil)

	heard := make(chan answers, 1)
	go func() { heard <- listen(p.control, report) }()
	ended := make(chan error, 1)
	go func() { ended <- p.wait() }()

	stopped := false
	select {
	case err = <-ended:
	case <-ctx.Done():
		stopped = true
		err = p.stop(ended)
	}
	said := <-heard
	switch {
	case stopped:
		return nil, ctx.Err()
	case said.failure != nil:
		return nil, said.failure
	case sendErr != nil:
		return nil, fmt.Errorf("sending the task: %w", sendErr)
	}
	return &said.result, exitError(t.Phase.Name, err)
}

// stop asks the phase to end, and then no longer asks.
func (p *process) stop(ended <-chan error) error {
	// Where init is gone already, that is what ended says.
	_ = p.control.Send(message{Stop: true}, nil)
	select {
	case err := <-ended:
		return err
	case <-time.After(stopGrace):
		_ = p.cmd.Process.Kill()
		return <-ended
	}
}

// answers are what came back from a phase's or a helper's processes.
type answers struct {
	result  result
	failure *confine.Failure
}

// listen reads messages until everybody who could send one is gone.
func listen(c *control, report progress.Reporter) answers {
	var said answers
	for {
		m, file, err := c.Receive()
		if err != nil {
			return said
		}
		if file != nil {
			file.Close()
		}
		switch {
		case m.Note != nil:
			m.Note.tell(report)
		case m.Failure != nil && said.failure == nil:
			said.failure = m.Failure
		case m.Result != nil:
			said.result = *m.Result
		}
	}
}

// exitError turns what waiting for init said into what the phase did.
func exitError(phase lifecycle.Name, err error) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return &lifecycle.ExitError{Phase: phase, Code: code}
}

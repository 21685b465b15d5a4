//go:build linux

package inside

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// lostGrace is how long a phase may go on after SIGTERM when pack-cache is gone.
const lostGrace = 2 * time.Second

// run starts the phase and returns its exit code, or 128 and the number of the
// signal that ended it. It calls ready when nothing but the phase's own program
// can stop it from starting.
func (p *Phase) run(ready func() error) (int, error) {
	if err := checkTargets(p.Targets); err != nil {
		return 0, err
	}
	if err := os.Chdir(path.Join("/", p.Dir)); err != nil {
		return 0, fmt.Errorf("working directory: %w", err)
	}
	stdin, feed, err := p.input()
	if err != nil {
		return 0, err
	}
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, unix.SIGTERM)
	if err := ready(); err != nil {
		return 0, err
	}
	pid, err := p.start(stdin)
	stdin.Close()
	if err != nil {
		return 0, err
	}
	go func() {
		for range terms {
			_ = unix.Kill(-1, unix.SIGTERM) // all but this process
		}
	}()
	go p.follow(feed)
	return reap(pid)
}

// input makes the phase's standard input and what feeds it, which is nil where
// there is nothing to feed.
func (p *Phase) input() (stdin, feed *os.File, err error) {
	if p.Input {
		return os.Pipe()
	}
	stdin, err = os.Open(os.DevNull)
	return stdin, nil, err
}

// follow passes standard input on. It ends this process when pack-cache is gone.
func (p *Phase) follow(feed *os.File) {
	buffer := make([]byte, maxFrame)
	for {
		frame, err := readFrame(os.Stdin, buffer)
		if err != nil {
			_ = unix.Kill(-1, unix.SIGTERM)
			time.Sleep(lostGrace)
			os.Exit(128 + int(unix.SIGKILL))
		}
		switch {
		case feed == nil:
		case len(frame) == 0:
			feed.Close()
			feed = nil
		default:
			// A phase need not read to the end.
			_, _ = feed.Write(frame)
		}
	}
}

// reap waits for all children until process pid has ended.
func reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, fmt.Errorf("waiting for the phase: %w", err)
		case ended != pid:
			continue
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		case status.Exited():
			return status.ExitStatus(), nil
		}
	}
}

// explain says why the program could not be started.
func (p *Phase) explain(err error) error {
	err = fmt.Errorf("starting %s: %w", p.Exe, err)
	if errors.Is(err, fs.ErrNotExist) {
		return &hinted{err, "the builder image lacks it, or what it needs; check that the image is a complete builder"}
	}
	return err
}

// hinted is an error with a remedy.
type hinted struct {
	error
	remedy string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint says what the user can do about it.
func (h *hinted) Hint() string { return h.remedy }

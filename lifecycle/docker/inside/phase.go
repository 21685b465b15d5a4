//go:build linux

package inside

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// run starts the phase and returns its exit code, or 128 and the number of the
// signal that ended it. It calls ready when nothing but the phase's own program
// can stop it from starting, and passes standard input on from w.
func (p *Phase) run(ready func() error, w *wire) (int, error) {
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
	stdout, written, err := p.output()
	if err != nil {
		return 0, err
	}
	terms := make(chan os.Signal, 1)
	signal.Notify(terms, unix.SIGTERM)
	if err := ready(); err != nil {
		return 0, err
	}
	pid, err := p.start(stdin, stdout)
	stdin.Close()
	if stdout != os.Stdout {
		stdout.Close()
	}
	if err != nil {
		return 0, err
	}
	go func() {
		for range terms {
			_ = unix.Kill(-1, unix.SIGTERM) // all but this process
		}
	}()
	w.read = true
	go w.follow(feed)
	code, err := confine.Reap(pid)
	// What the phase has left must write no more, and hold no stream open.
	_ = unix.Kill(-1, unix.SIGKILL)
	<-written
	return code, err
}

// input makes the phase's standard input and what feeds it, which is nil where
// there is nothing to feed.
func (p *Phase) input() (stdin, feed *os.File, err error) {
	switch {
	case p.Input && p.Private:
		feed, stdin, err = confine.SocketPair()
		return stdin, feed, err
	case p.Input:
		return os.Pipe()
	}
	stdin, err = os.Open(os.DevNull)
	return stdin, nil, err
}

// output makes the phase's standard output. Written is closed when all of it has
// been passed on.
func (p *Phase) output() (stdout *os.File, written <-chan struct{}, err error) {
	done := make(chan struct{})
	if !p.Private {
		close(done)
		return os.Stdout, done, nil
	}
	ours, theirs, err := confine.SocketPair()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		defer close(done)
		// When nobody listens any more, this process is about to end.
		_, _ = io.Copy(os.Stdout, ours)
	}()
	return theirs, done, nil
}

// explain says why the program could not be started.
func (p *Phase) explain(err error) error {
	err = fmt.Errorf("starting %s: %w", p.Exe, err)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.With("the builder image lacks it, or what it needs; check that the image is a complete builder", err)
	}
	return err
}

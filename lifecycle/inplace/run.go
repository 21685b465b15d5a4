package inplace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// stopGrace is how long a phase may take to end after SIGTERM.
const stopGrace = 2 * time.Second

// run runs a task to its end.
func (h *host) run(ctx context.Context, t *task, streams lifecycle.Streams) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, err := h.startKeeper(streams, t.Phase.Root == lifecycle.OwnRoot)
	if err != nil {
		return err
	}
	// An order that cannot be given means that the keeper is gone, which its
	// answer says better.
	_ = k.orders.Encode(order{Task: t})
	var said answer
	ended := make(chan error, 1)
	go func() {
		err := k.cmd.Wait()
		if said = <-k.said; said.lost() {
			// What the phase started may be there still, and hold its streams.
			k.streams.Cut()
		}
		k.streams.Wait()
		ended <- err
	}()
	stopped := false
	select {
	case err = <-ended:
	case <-ctx.Done():
		stopped = true
		err = k.stop(ended)
	}
	k.pipe.Close()
	switch {
	case stopped:
		return ctx.Err()
	case said.Failure != nil:
		return said.Failure
	case said.lost():
		return fmt.Errorf("the process that keeps phase %s was lost: %w", t.Phase.Name, errors.Join(err, errLost))
	case said.Code != 0:
		return &lifecycle.ExitError{Phase: t.Phase.Name, Code: said.Code}
	}
	return nil
}

// lost reports that a keeper ended without having said how.
func (a answer) lost() bool { return a.Failure == nil && !a.Ended }

var errLost = errors.New("it gave no answer")

// keeping is a keeper seen from pack-cache.
type keeping struct {
	cmd     *exec.Cmd
	streams *confine.Connection
	pipe    *os.File // carries orders; when it is closed, the phase ends
	orders  *json.Encoder
	said    chan answer
}

// startKeeper starts a keeper with nothing of this process' environment, and
// with pipes for streams: an open file could tell more, and let more be done,
// than the stream in it. Private streams are sockets, which nobody but the phase
// can read and write.
func (h *host) startKeeper(streams lifecycle.Streams, private bool) (*keeping, error) {
	orders, pipe, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orders.Close()
	answers, theirs, err := os.Pipe()
	if err != nil {
		pipe.Close()
		return nil, err
	}
	defer theirs.Close()
	cmd := &exec.Cmd{
		Path:        confine.FDPath(programFD),
		Args:        []string{marker, keeperProcess},
		Env:         []string{},
		Dir:         "/",
		ExtraFiles:  []*os.File{theirs, h.program, orders},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	connection, err := confine.Connect(cmd, streams.Stdin, streams.Stdout, streams.Stderr, private)
	if err == nil {
		err = cmd.Start()
		connection.Started()
	}
	if err != nil {
		pipe.Close()
		answers.Close()
		return nil, confine.Step(err, "starting a keeper")
	}
	k := &keeping{cmd: cmd, streams: connection, pipe: pipe, orders: json.NewEncoder(pipe), said: make(chan answer, 1)}
	go k.listen(answers)
	return k, nil
}

// listen keeps the first failure, or else the last answer.
func (k *keeping) listen(answers *os.File) {
	defer answers.Close()
	var said answer
	in := json.NewDecoder(answers)
	for {
		var a answer
		if err := in.Decode(&a); err != nil {
			k.said <- said
			return
		}
		if said.Failure == nil {
			said = a
		}
	}
}

// stop asks the phase to end, and then no longer asks.
func (k *keeping) stop(ended <-chan error) error {
	_ = k.orders.Encode(order{Stop: true})
	select {
	case err := <-ended:
		return err
	case <-time.After(stopGrace):
		_ = k.orders.Encode(order{Kill: true})
		return <-ended
	}
}

// names lists names for people.
func names(all []string) string { return strings.Join(all, ", ") }

package inplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// keep is a keeper: it starts a phase and returns its exit code when nothing of
// it is left. It ends the phase when pack-cache says so or is gone.
func keep() (int, error) {
	// The phase dies with the thread that started it.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, confine.Step(err, "taking in orphans")
	}
	orders := json.NewDecoder(os.NewFile(orderFD, "orders"))
	var first order
	if err := orders.Decode(&first); err != nil || first.Task == nil {
		return 0, fmt.Errorf("receiving the task: %w", err)
	}
	pid, err := confine.HandOn(first.Task, []string{marker, starterProcess}, programFD, answerFD, programFD)
	if err != nil {
		return 0, confine.Step(err, "starting the phase")
	}
	// Only the phase holds its streams from here on.
	for fd := range 3 {
		unix.Close(fd)
	}
	k := &keeper{}
	go k.obey(orders)
	return k.reap(pid)
}

// keeper ends a phase with all that it has started.
type keeper struct {
	mu sync.Mutex // held while process ids must stay what they are
}

// obey does what pack-cache asks for until it is gone.
func (k *keeper) obey(orders *json.Decoder) {
	for {
		var o order
		err := orders.Decode(&o)
		switch {
		case err != nil || o.Kill:
			k.signal(unix.SIGKILL)
		case o.Stop:
			k.signal(unix.SIGTERM)
		}
		if err != nil {
			return
		}
	}
}

// signal sends a signal to everything that descends from this process. A
// process that has not been waited for keeps its id.
func (k *keeper) signal(signal unix.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, pid := range descendants(os.Getpid()) {
		_ = unix.Kill(pid, signal)
	}
}

// killChildren kills the children of this process: what descends from them becomes
// its child when they are gone. It is quick, because there are phases that leave
// processes which fork and end again and again.
func (k *keeper) killChildren() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, pid := range children() {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// reap waits for all children. When process pid has ended it ends the others,
// and returns the exit code of pid, or 128 and the number of its signal.
func (k *keeper) reap(pid int) (int, error) {
	code := 0
	for options := 0; ; {
		status, child, err := k.wait(options)
		switch {
		case errors.Is(err, unix.ECHILD) && options != 0:
			return code, nil
		case err != nil:
			return 0, confine.Step(err, "waiting for the phase")
		case child == pid:
			code, options = confine.ExitCode(status), unix.WNOHANG
		case child == 0:
			time.Sleep(time.Millisecond)
		}
		if options != 0 {
			k.killChildren()
		}
	}
}

// wait waits for a child to end. Until that has been noted, its number stays
// its own, so signals reach nobody else.
func (k *keeper) wait(options int) (status unix.WaitStatus, child int, err error) {
	if options == 0 {
		if err := retry(func() error { return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil) }); err != nil {
			return 0, 0, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	err = retry(func() error {
		child, err = unix.Wait4(-1, &status, unix.WNOHANG, nil)
		return err
	})
	return status, child, err
}

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

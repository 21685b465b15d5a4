package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// exitLost is init's exit code when pack-cache is gone.
const exitLost = 128 + int(unix.SIGKILL)

// runInit is process 1 of a phase. It starts setup, which becomes the phase,
// and returns its exit code; the kernel then ends whatever is left in the
// process namespace. It keeps its capabilities: they put it out of the phase's
// reach even where both have the same id.
func runInit(c *control) (int, error) {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return 0, confine.Step(err, "parent death signal")
	}
	// The maps are written before the task is sent.
	m, _, err := c.Receive()
	if err != nil {
		return 0, fmt.Errorf("receiving the task: %w", err)
	}
	if m.Task == nil {
		return 0, errors.New("init got no task")
	}
	// From the exec on this process was dumpable, for the sake of the maps.
	if err := confine.Protect(); err != nil {
		return 0, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, confine.Step(err, "making mounts private")
	}
	pid, err := startSetup(m.Task)
	if err != nil {
		return 0, confine.Step(err, "starting setup")
	}
	// Only the phase holds its streams from here on.
	for fd := range 3 {
		unix.Close(fd)
	}
	go obey(c)
	return reap(pid)
}

// startSetup starts the process that becomes the phase, in a session of its
// own, and hands it the task.
func startSetup(t *task) (int, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	pid, err := syscall.ForkExec(fdPath(programFD), []string{marker, setupProcess}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []uintptr{0, 1, 2, controlFD, programFD, read.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		write.Close()
		return 0, err
	}
	go func() {
		defer write.Close()
		// A setup that does not read to the end says itself what is wrong.
		_ = json.NewEncoder(write).Encode(t)
	}()
	return pid, nil
}

// obey does what pack-cache asks for until it is gone.
func obey(c *control) {
	for {
		m, _, err := c.Receive()
		if err != nil {
			confine.Exit(exitLost)
		}
		if m.Stop {
			// To everything in the namespace but init.
			_ = unix.Kill(-1, unix.SIGTERM)
		}
	}
}

// reap waits for all children until process pid has ended, and returns its exit
// code, or 128 and the number of the signal that ended it.
func reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, confine.Step(err, "waiting for the phase")
		case ended != pid:
			continue
		case status.Signaled():
			return 128 + int(status.Signal()), nil
		case status.Exited():
			return status.ExitStatus(), nil
		}
	}
}

// fdPath is a path by which an open file can be executed.
func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

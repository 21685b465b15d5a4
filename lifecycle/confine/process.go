package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// FDPath is a path by which an open file of this process can be executed.
func FDPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// HandOn starts an engine's process that becomes a phase, in a session of its own
// and without an environment. The process inherits the standard streams and files,
// under their numbers, and behind the last of them a pipe with the task as JSON.
// program is the one of them that it runs.
func HandOn(task any, argv []string, program int, files ...uintptr) (pid int, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close()
	pid, err = syscall.ForkExec(FDPath(program), argv, &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: append(append([]uintptr{0, 1, 2}, files...), read.Fd()),
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		write.Close()
		return 0, err
	}
	go func() {
		defer write.Close()
		// A process that does not read to the end says itself what is wrong.
		_ = json.NewEncoder(write).Encode(task)
	}()
	return pid, nil
}

// Exec turns this process into a phase. An own phase runs the program that is open
// as program. It returns only when that failed, with what usually is the reason.
func Exec(phase lifecycle.Phase, program int) error {
	if phase.Root == lifecycle.OwnRoot {
		err := unix.Exec(FDPath(program), append([]string{"pack-cache"}, phase.Args...), phase.Env)
		if errors.Is(err, fs.ErrNotExist) {
			err = hint.Errorf("pack-cache must be linked statically (CGO_ENABLED=0)", "%w (its loader)", err)
		}
		return Step(err, "starting pack-cache")
	}
	err := unix.Exec(phase.Args[0], phase.Args, phase.Env)
	if errors.Is(err, fs.ErrNotExist) && !path.IsAbs(phase.Args[0]) {
		err = fmt.Errorf("%w (it has to be an absolute path in the builder)", err)
	} else {
		err = NotInBuilder(err)
	}
	return Step(err, "starting %s", phase.Args[0])
}

// NotInBuilder adds to an error about a file that is not there that a builder
// should have it.
func NotInBuilder(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return hint.With("the builder image lacks it, or what it needs; check that the image is a complete builder", err)
}

// Reap waits for all children until process pid has ended, and returns its exit
// code.
func Reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, Step(err, "waiting for the phase")
		case ended == pid && (status.Signaled() || status.Exited()):
			return ExitCode(status), nil
		}
	}
}

// ExitCode is the exit code of a process that has ended, or 128 and the number of
// the signal that ended it.
func ExitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

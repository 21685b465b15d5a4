//go:build linux

package inside

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// start starts the phase's program, confined.
func (p *Phase) start(stdin, stdout *os.File) (pid int, err error) {
	// What a thread has lost, so have the processes that it starts.
	onThread(func() {
		if err = restrict(); err != nil {
			return
		}
		pid, err = syscall.ForkExec(p.Exe, p.Args, &syscall.ProcAttr{
			Env:   p.Env,
			Files: []uintptr{stdin.Fd(), stdout.Fd(), 2},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
		if err != nil {
			err = p.explain(err)
		}
	})
	return pid, err
}

// restrict takes away from the current thread what the daemon leaves to every
// container: signals to the first process, which has the same user, and the
// machine's abstract sockets, which are on its network; keys, and system calls
// that a daemon may allow. What a daemon's machine does not know it does not
// offer a phase, either.
func restrict() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return confine.Step(err, "no new privileges")
	}
	if abi, err := confine.LandlockABI(); err == nil {
		all := confine.Rule{Path: "/", Access: confine.Read | confine.Execute | confine.Write | confine.Ioctl}
		if err := confine.RestrictFiles(abi, []confine.Rule{all}); err != nil {
			return confine.Step(err, "landlock")
		}
	}
	if err := confine.RestrictCalls(confine.Calls{}); err != nil && !errors.Is(err, confine.ErrNoFilter) {
		return confine.Step(err, "seccomp")
	}
	return nil
}

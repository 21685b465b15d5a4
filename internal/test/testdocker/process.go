package testdocker

import (
	"context"
	"os/exec"
	"syscall"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// enter gives the new namespaces a proc file system that fits them.
const enter = `mount -t proc proc /proc && exec docker-init -- "$@"`

// run starts a daemon in process and mount namespaces of its own. Process 1 there is
// docker-init, so the daemon need not reap what its helpers leave, and everything
// ends with it.
func run(args []string) (*testprocess.Process, error) {
	if _, err := find("docker-init", "/usr/bin/docker-init", "docker.io"); err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", enter, "sh"}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:       true,
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // makes mounts private, too
	}
	return testprocess.Start(cmd)
}

// terminate asks a daemon to end and waits for it.
func terminate(ctx context.Context, daemon *testprocess.Process) error {
	daemon.Signal(syscall.SIGTERM) // docker-init passes it on
	select {
	case <-daemon.Done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

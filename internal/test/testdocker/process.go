package testdocker

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// process is a daemon in process and mount namespaces of its own. Process 1
// there is docker-init, so the daemon need not reap what its helpers leave, and
// everything ends with it.
type process struct {
	log  *log
	cmd  *exec.Cmd
	done chan struct{}
}

// enter gives the new namespaces a proc file system that fits them.
const enter = `mount -t proc proc /proc && exec docker-init -- "$@"`

// run starts a daemon.
func run(args []string) (*process, error) {
	if _, err := find("docker-init", "/usr/bin/docker-init", "docker.io"); err != nil {
		return nil, err
	}
	p := &process{log: &log{}, done: make(chan struct{})}
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", enter, "sh"}, args...)...)
	p.cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL, Setsid: true,
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // makes mounts private, too
	}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The kernel sends the parent-death signal when the thread ends that
		// started the process, so this one waits with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	return p, <-started
}

// terminate asks the daemon to end and waits for it.
func (p *process) terminate(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // docker-init passes it on
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill ends the daemon and all its containers, and waits.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only if it has ended by itself
	<-p.done
}

// log keeps what is written to it. It is safe for concurrent use.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

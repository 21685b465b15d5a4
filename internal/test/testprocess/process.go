package testprocess

import (
	"io"
	"os/exec"
	"runtime"
	"syscall"
)

// Process is a program that runs beside a test. It is safe for concurrent use.
type Process struct {
	// Done is closed when it has ended.
	Done <-chan struct{}

	cmd *exec.Cmd
	log log
}

// Start starts a command, which the kernel kills when this process ends. Its output
// is kept, and also goes where the command says.
func Start(cmd *exec.Cmd) (*Process, error) {
	done := make(chan struct{})
	p := &Process{Done: done, cmd: cmd}
	cmd.Stdout, cmd.Stderr = p.keep(cmd.Stdout), p.keep(cmd.Stderr)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error, 1)
	go func() {
		defer close(done)
		// The kernel sends the parent-death signal when the thread ends that
		// started the process, so this one waits with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return p, <-started
}

func (p *Process) keep(to io.Writer) io.Writer {
	if to == nil {
		return &p.log
	}
	return io.MultiWriter(&p.log, to)
}

// Log returns what the process has said so far.
func (p *Process) Log() string { return p.log.String() }

// Signal sends a signal. A process that has ended gets none.
func (p *Process) Signal(signal syscall.Signal) { _ = p.cmd.Process.Signal(signal) }

// Kill ends the process and waits for that.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Done
}

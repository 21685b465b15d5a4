package acceptance

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// running is a command that has been started.
type running struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr watched
	ended          chan struct{}
	err            error
}

// start starts pack-cache in a process group of its own, as a shell does.
func (m *machine) start(args ...string) *running {
	m.t.Helper()
	r := &running{t: m.t, cmd: m.command(context.WithoutCancel(m.t.Context()), args...), ended: make(chan struct{})}
	if r.cmd.SysProcAttr == nil {
		r.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	r.cmd.SysProcAttr.Setpgid = true
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.ended)
	}()
	m.t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it has ended, or the test has failed
		<-r.ended
	})
	return r
}

// await waits until reached says so. The test fails if the command ends before.
func (r *running) await(what string, reached func() bool) {
	r.t.Helper()
	for !reached() {
		select {
		case <-r.ended:
			r.t.Fatalf("the command ended before %s:\n%s", what, r.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// awaitLog waits until the log has a text.
func (r *running) awaitLog(text string) {
	r.t.Helper()
	r.await("its log had "+text, func() bool { return strings.Contains(r.stderr.String(), text) })
}

// interrupt sends a signal to the command and its process group, as a terminal
// does on Ctrl-C.
func (r *running) interrupt(signal syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(-r.cmd.Process.Pid, signal); err != nil {
		r.t.Fatal(err)
	}
}

// wait waits for the command's end.
func (r *running) wait() outcome {
	r.t.Helper()
	<-r.ended
	if exit := (*exec.ExitError)(nil); r.err != nil && !errors.As(r.err, &exit) {
		r.t.Fatal(r.err)
	}
	return outcome{r.stdout.String(), r.stderr.String(), r.cmd.ProcessState.ExitCode()}
}

// watched keeps what is written to it, for others to read meanwhile.
type watched struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.Write(p)
}

// String is what has been written.
func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buffer.String()
}

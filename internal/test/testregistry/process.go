package testregistry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"syscall"
)

// process is a running docker-registry.
type process struct {
	log  *log
	kill func() error
	done chan struct{}
}

// listening is the registry's log line that says which port it got.
var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// run starts the registry and returns it with its address.
func run(ctx context.Context, binary, config string) (*process, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	cmd := exec.Command(binary, "serve", config)
	// The registry takes settings from REGISTRY_ variables; none are meant.
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	read, write := io.Pipe()
	p := &process{log: &log{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, io.MultiWriter(p.log, write)

	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		defer write.Close()
		// The kernel sends the parent-death signal when the thread ends that
		// started the process, so this one waits with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, "", err
	}
	p.kill = cmd.Process.Kill

	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
				break
			}
		}
		io.Copy(io.Discard, read)
	}()
	select {
	case addr := <-address:
		return p, addr, nil
	case <-p.done:
		return nil, "", fmt.Errorf("%w: %s", errors.New("it ended at once"), p.log.String())
	case <-ctx.Done():
		p.stop()
		return nil, "", ctx.Err()
	}
}

// stop ends the process and waits for it.
func (p *process) stop() {
	p.kill() // fails only if it has ended by itself
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

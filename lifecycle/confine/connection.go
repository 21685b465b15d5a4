package confine

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// Connection connects the standard streams of a process with readers and writers.
// The process never gets an open file of this process: that could tell more, and
// let more be done, than the stream in it.
type Connection struct {
	cmd          *exec.Cmd
	ours, theirs []*os.File
	begin        []func()
	copying      sync.WaitGroup // of output
}

// Connect connects cmd, which has not been started. Each of in, out and errs may be
// nil. With private, standard input and output are sockets: a pipe can be opened
// anew as a file below /proc, by the process or by what it is made to do with a
// path; a socket cannot, so nobody else can join in. Started is called when cmd has
// been started, or has not.
func Connect(cmd *exec.Cmd, in io.Reader, out, errs io.Writer, private bool) (c *Connection, err error) {
	c = &Connection{cmd: cmd}
	defer func() {
		if err != nil {
			closeAll(c.ours)
			closeAll(c.theirs)
		}
	}()
	if in != nil {
		theirs, ours, err := c.pair(private, false)
		if err != nil {
			return nil, err
		}
		cmd.Stdin = theirs
		c.begin = append(c.begin, func() {
			defer ours.Close()
			// An error is one of writing to a process that does not read to the
			// end, or of in, which its owner knows.
			_, _ = io.Copy(ours, in)
		})
	}
	output := func(w io.Writer, private bool) (*os.File, error) {
		theirs, ours, err := c.pair(private, true)
		if err != nil {
			return nil, err
		}
		c.copying.Add(1)
		c.begin = append(c.begin, func() {
			defer c.copying.Done()
			defer ours.Close()
			// What w does not take is not read by anybody: a process that goes on
			// writing must not wait for ever.
			_, _ = io.Copy(w, ours)
			_, _ = io.Copy(io.Discard, ours)
		})
		return theirs, nil
	}
	// A nil *os.File in an interface is not nil.
	if out != nil {
		file, err := output(out, private)
		if err != nil {
			return nil, err
		}
		cmd.Stdout = file
	}
	switch {
	case errs == nil:
	case out != nil && oneWriter(out, errs):
		// One stream: what is written to it comes in its order, by one goroutine.
		cmd.Stderr = cmd.Stdout
	default:
		file, err := output(errs, false)
		if err != nil {
			return nil, err
		}
		cmd.Stderr = file
	}
	return c, nil
}

// oneWriter tells whether two writers are one. Those that cannot be compared are not.
func oneWriter(a, b io.Writer) (one bool) {
	defer func() { _ = recover() }()
	return a == b
}

// pair makes the two ends of a stream.
func (c *Connection) pair(private, output bool) (theirs, ours *os.File, err error) {
	switch {
	case private:
		ours, theirs, err = SocketPair()
	case output:
		ours, theirs, err = os.Pipe()
	default:
		theirs, ours, err = os.Pipe()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("streams of a process: %w", err)
	}
	c.ours, c.theirs = append(c.ours, ours), append(c.theirs, theirs)
	return theirs, ours, nil
}

// Started begins to copy, if the process has been started.
func (c *Connection) Started() {
	closeAll(c.theirs)
	if c.cmd.Process == nil {
		closeAll(c.ours)
		return
	}
	for _, begin := range c.begin {
		go begin()
	}
}

// Wait waits until nobody can write to the process' output any more, and all of it
// has been passed on.
func (c *Connection) Wait() { c.copying.Wait() }

// Cut ends all copying. What has not been passed on is lost.
func (c *Connection) Cut() { closeAll(c.ours) }

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// SocketPair returns two connected sockets, the second for another process.
func SocketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("sockets for a conversation: %w", err)
	}
	// Ours is read and written while others are waited for.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "conversation"), os.NewFile(uintptr(fds[1]), "conversation"), nil
}

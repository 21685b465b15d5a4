package confine

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Converse connects cmd's standard input to r and its standard output to w, by
// sockets. A pipe can be opened anew as a file below /proc, by the process or by
// what it is made to do with a path; a socket cannot, so nobody else can join in.
// Started is called when cmd has been started, or has not; wait instead of
// cmd.Wait. Either of r and w may be nil.
func Converse(cmd *exec.Cmd, r io.Reader, w io.Writer) (started func(), wait func() error, err error) {
	var theirs, ours []*os.File
	closeAll := func(files []*os.File) {
		for _, file := range files {
			file.Close()
		}
	}
	pair := func() (mine, its *os.File, err error) {
		if mine, its, err = SocketPair(); err == nil {
			ours, theirs = append(ours, mine), append(theirs, its)
		}
		return mine, its, err
	}
	copied := make(chan struct{})
	begin := func() { close(copied) }
	if w != nil {
		mine, its, err := pair()
		if err != nil {
			return nil, nil, err
		}
		cmd.Stdout = its
		begin = func() {
			go func() {
				defer close(copied)
				defer mine.Close()
				// What w does not take is not read by anybody: a process that
				// goes on writing must not wait for ever.
				_, _ = io.Copy(w, mine)
				_, _ = io.Copy(io.Discard, mine)
			}()
		}
	}
	feed := func() {}
	if r != nil {
		mine, its, err := pair()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, nil, err
		}
		cmd.Stdin = its
		feed = func() {
			go func() {
				defer mine.Close()
				// An error is one of writing to a process that does not read to
				// the end, or of r, which its owner knows.
				_, _ = io.Copy(mine, r)
			}()
		}
	}
	started = func() {
		closeAll(theirs)
		if cmd.Process == nil {
			closeAll(ours)
			return
		}
		begin()
		feed()
	}
	wait = func() error {
		err := cmd.Wait()
		<-copied
		return err
	}
	return started, wait, nil
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

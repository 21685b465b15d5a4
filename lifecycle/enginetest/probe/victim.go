package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// control is a text that an attack hides itself, to see which ways would have led
// to a secret.
type control struct{ text string }

func newControl() control { return control{"control-" + rand.Text()} }

func (c control) in(data []byte) bool { return bytes.Contains(data, []byte(c.text)) }

// victim is a process that has the control wherever a process can have a secret.
type victim struct {
	pid   int
	dir   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// newVictim starts one.
func newVictim(text string) *victim {
	v := &victim{dir: scratchDir()}
	self, err := os.Executable()
	if err != nil {
		fail(err.Error())
	}
	v.cmd = exec.Command(self, "victim", v.dir, text)
	v.cmd.Env = []string{"SECRET=" + text}
	v.cmd.Stderr = os.Stderr
	in, err := v.cmd.StdinPipe()
	if err != nil {
		fail(err.Error())
	}
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		fail(err.Error())
	}
	if err := v.cmd.Start(); err != nil {
		fail(err.Error())
	}
	v.pid, v.stdin = v.cmd.Process.Pid, in
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		fail(fmt.Sprintf("no victim: %q, %v", line, err))
	}
	return v
}

func (v *victim) end() {
	v.stdin.Close()
	_ = v.cmd.Wait()
	_ = os.RemoveAll(v.dir)
}

// scratchDir makes a directory where this phase can write.
func scratchDir() string {
	for _, parent := range []string{"", "/workspace", "/layers", "/dev/shm"} {
		if dir, err := os.MkdirTemp(parent, "victim-"); err == nil {
			return dir
		}
	}
	fail("nowhere to write")
	return ""
}

// beVictim has a text in environment, arguments, memory, descriptors, files,
// sockets and shared memory, and stays until its standard input ends. What the
// kernel refuses it leaves out. Without a second argument the text is that of the
// variable SECRET.
func beVictim(args []string) {
	dir, text := args[0], []byte(os.Getenv("SECRET"))
	memfd, err := unix.MemfdCreate("victim", unix.MFD_CLOEXEC)
	if err == nil {
		_, err = unix.Write(memfd, text)
	}
	if err != nil {
		fail(err.Error())
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), text, 0o644); err != nil {
		fail(err.Error())
	}
	serveText(filepath.Join(dir, "socket"), text)
	serveText("@pack-cache-victim-"+filepath.Base(dir), text)
	remove, empty := shareText(text), fillQueue(queueOf(dir), text)
	fmt.Println("ready")
	end := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(end)
	}()
	select {
	case <-end:
	case <-time.After(10 * time.Minute):
	}
	remove()
	empty()
	runtime.KeepAlive(text)
}

// serveText hands a text to whoever connects.
func serveText(address string, text []byte) {
	listener, err := net.Listen("unix", address)
	if err != nil {
		return
	}
	if address[0] != '@' {
		_ = os.Chmod(address, 0o777)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write(text)
			conn.Close()
		}
	}()
}

// shareText puts a text into System V shared memory and a message queue, and
// returns what takes it away.
func shareText(text []byte) (remove func()) {
	const all = 0o666 | unix.IPC_CREAT
	segment, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, all)
	if err == nil {
		if data, err := unix.SysvShmAttach(segment, 0, 0); err == nil {
			copy(data, text)
		}
	}
	queue, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, all, 0)
	if errno == 0 {
		sendMessage(int(queue), text)
	}
	return func() {
		if err == nil {
			_, _ = unix.SysvShmCtl(segment, unix.IPC_RMID, nil)
		}
		if errno == 0 {
			_, _, _ = syscall.Syscall(unix.SYS_MSGCTL, queue, unix.IPC_RMID, 0)
		}
	}
}

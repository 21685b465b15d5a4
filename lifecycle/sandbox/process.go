package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// host is what the engine knows about this machine.
type host struct {
	stores stores
	// noStore says why builders are not unpacked where the next build finds them, ""
	// if they are.
	noStore string
	work    string   // directory, absolute
	program *os.File // sealed: what the engine's processes and own phases run

	identity identity
	support  support
}

// process is one of the engine's processes, seen from pack-cache.
type process struct {
	cmd     *exec.Cmd
	control *control
	streams *confine.Connection
}

// wait waits for the end of the process, and for all that it has written.
func (p *process) wait() error {
	err := p.cmd.Wait()
	p.streams.Wait()
	return err
}

// starting says how to start a process.
type starting struct {
	kind       string
	user       lifecycle.User
	namespaces uintptr // in addition to the user namespace
	stdin      io.Reader
	stdout     io.Writer
	stderr     io.Writer
	// private says that nobody but the process may read and write its standard
	// input and output.
	private bool
}

// kept are the capabilities that processes of the engine need in a user
// namespace, in which they do not have a root's id.
var kept = []uintptr{
	unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_SETFCAP,
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH, unix.CAP_FOWNER, unix.CAP_FSETID,
	unix.CAP_MKNOD, unix.CAP_NET_ADMIN, unix.CAP_SYS_CHROOT, unix.CAP_KILL,
}

// start starts one of the engine's processes, with nothing of this process'
// environment, and with pipes or sockets for streams: an open file could tell
// more, and let more be done, than the stream in it.
func (h *host) start(id identity, s starting) (*process, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c, err := newControl(ours)
	ours.Close()
	if err != nil {
		return nil, err
	}
	attr := &syscall.SysProcAttr{Cloneflags: s.namespaces, Pdeathsig: syscall.SIGKILL, Setsid: true}
	if id.userNS() {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.AmbientCaps = kept
	}
	cmd := &exec.Cmd{
		Path:        confine.FDPath(programFD),
		Args:        []string{marker, s.kind},
		Env:         []string{},
		Dir:         "/",
		ExtraFiles:  []*os.File{theirs, h.program},
		SysProcAttr: attr,
	}
	streams, err := confine.Connect(cmd, s.stdin, s.stdout, s.stderr, s.private)
	if err != nil {
		c.Close()
		return nil, err
	}
	err = cmd.Start()
	streams.Started()
	if err != nil {
		c.Close()
		if errors.Is(err, unix.ENOSPC) {
			err = errors.New("the kernel's limit of namespaces is reached") // no disk is full
		}
		return nil, confine.Step(err, "starting %s in new namespaces", s.kind)
	}
	p := &process{cmd, c, streams}
	if err := id.apply(cmd.Process.Pid, s.user); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// kill ends the process, with its whole namespace if it is an init, and waits.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.wait()
	p.control.Close()
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// environment looks at what this process was started with.
func (s *scanner) environment() {
	os.Setenv("CONTROL", s.control.text)
	for _, entry := range os.Environ() {
		s.look(entry[:strings.IndexByte(entry, '=')], []byte(entry))
	}
	os.Unsetenv("CONTROL")
}

// processes looks at what /proc says of every process, and for processes of
// others, where there should be none but the first.
func (s *scanner) processes() {
	for _, pid := range pids() {
		dir := procDir(pid)
		for _, name := range []string{"environ", "cmdline", "comm", "mountinfo", "cgroup", "auxv"} {
			s.file(filepath.Join(dir, name))
		}
		for _, link := range []string{"cwd", "root", "exe"} {
			if target, err := os.Readlink(filepath.Join(dir, link)); err == nil {
				s.look(dir+"/"+link, []byte(target))
			}
		}
	}
	for _, pid := range s.others() {
		if pid != 1 && !s.orders.Beside {
			s.found(describePID(pid), "another process can be seen")
		}
		for _, name := range []string{"environ", "maps"} {
			f, err := os.Open(filepath.Join(procDir(pid), name))
			if err != nil {
				continue
			}
			// The kernel lets anybody open maps and checks when it is read.
			if n, _ := f.Read(make([]byte, 1)); n > 0 {
				s.found(describePID(pid), name+" of another process")
			}
			f.Close()
		}
	}
}

// region is a part of a process' memory.
type region struct{ from, to uint64 }

// writable are the regions of a process that have its data.
func writable(pid int) []region {
	file, err := os.Open(procDir(pid) + "/maps")
	if err != nil {
		return nil
	}
	defer file.Close()
	var all []region
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r region
		var rights string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &r.from, &r.to, &rights); err == nil && strings.HasPrefix(rights, "rw") {
			all = append(all, r)
		}
	}
	return all
}

// maxRegion is how much of a region is looked at: larger ones are address space
// that nothing is in.
const maxRegion = 64 << 20

// memory reads the memory of every other process as a file.
func (s *scanner) memory() {
	others := s.others()
	for _, pid := range pids() {
		if pid == os.Getpid() {
			continue
		}
		mem, err := os.Open(procDir(pid) + "/mem")
		if err != nil {
			if pid == s.victim.pid {
				s.tell(err)
			}
			continue
		}
		if slices.Contains(others, pid) {
			s.found(describePID(pid), "memory of another process")
		}
		s.regions(pid, func(buffer []byte, at uint64) (int, error) { return mem.ReadAt(buffer, int64(at)) })
		mem.Close()
	}
}

// regions looks at the memory of a process through a function that reads it.
func (s *scanner) regions(pid int, read func(buffer []byte, at uint64) (int, error)) {
	const step = 1 << 20
	buffer := make([]byte, step+s.secrets.most)
	for _, r := range writable(pid) {
		for at := r.from; at < min(r.to, r.from+maxRegion); at += step {
			n, _ := read(buffer[:min(uint64(len(buffer)), r.to-at)], at)
			s.look(describePID(pid), buffer[:n])
			clear(buffer)
		}
	}
}

// remoteReads reads the memory of other processes with a system call.
func (s *scanner) remoteReads() {
	read := func(pid int, buffer []byte, at uint64) (int, error) {
		local := []unix.Iovec{{Base: &buffer[0], Len: uint64(len(buffer))}}
		return unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(buffer)}}, 0)
	}
	for _, pid := range s.others() {
		// An address that nothing is at is found out after the right to look.
		if _, err := read(pid, make([]byte, 8), 0x1000); err == nil || errors.Is(err, unix.EFAULT) {
			s.found(describePID(pid), "memory of another process")
		}
	}
	var refused error
	s.regions(s.victim.pid, func(buffer []byte, at uint64) (int, error) {
		n, err := read(s.victim.pid, buffer, at)
		if err != nil && !errors.Is(err, unix.EFAULT) {
			refused = err
		}
		return max(n, 0), err
	})
	if refused != nil {
		s.tell(refused)
	}
}

// trace becomes the tracer of other processes, and lets go of them when the
// thread that did it ends.
func (s *scanner) trace() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for _, pid := range s.others() {
			if err := seize(pid); err == nil {
				s.found(describePID(pid), "another process can be traced")
			}
		}
		s.tell(seize(s.victim.pid))
	}()
	<-done
}

func seize(pid int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// signals asks whether others could be sent signals.
func (s *scanner) signals() {
	for _, pid := range s.others() {
		if err := unix.Kill(pid, 0); err == nil {
			s.found(describePID(pid), "another process can be sent signals")
		}
	}
	s.tell(unix.Kill(s.victim.pid, 0))
}

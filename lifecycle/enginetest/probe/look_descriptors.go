package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// descriptors looks at the open files of every process, and through them.
func (s *scanner) descriptors() {
	others := s.others()
	for _, pid := range pids() {
		dir := filepath.Join(procDir(pid), "fd")
		open, err := os.ReadDir(dir)
		if err != nil && pid == s.victim.pid {
			s.tell(err)
		}
		for _, entry := range open {
			if s.descriptor(pid, filepath.Join(dir, entry.Name())) && slices.Contains(others, pid) {
				s.found(describePID(pid), "open files of another process")
			}
		}
	}
}

// descriptor looks at one, and tells whether the kernel lets it. How many there
// are it lets everybody of the same user know.
func (s *scanner) descriptor(pid int, path string) bool {
	target, err := os.Readlink(path)
	if err != nil {
		return false
	}
	s.look(path, []byte(target))
	number := filepath.Base(path)
	if pid == os.Getpid() && s.inherited(number, target) {
		s.found(number+" "+target, "an open file that came along")
	}
	if strings.HasPrefix(target, "/") || strings.HasPrefix(target, "/memfd:") {
		s.file(path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() && !strings.HasPrefix(target, "/proc") && target != "/" {
		s.files(path + "/")
	}
	return true
}

// inherited tells whether an open file of this process is one that it has not
// opened itself. Its runtime has event descriptors and the files with its limits.
func (s *scanner) inherited(number, target string) bool {
	if n, err := strconv.Atoi(number); err != nil || n < 3 {
		return false
	}
	for _, own := range []string{"anon_inode:", "/proc/", "/sys/fs/cgroup/", "pipe:", "socket:", beats} {
		if strings.HasPrefix(target, own) {
			return false
		}
	}
	return true
}

// stolenDescriptors takes open files out of other processes.
func (s *scanner) stolenDescriptors() {
	steal := func(pid, number int) (int, error) {
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return -1, err
		}
		defer unix.Close(pidfd)
		return unix.PidfdGetfd(pidfd, number, 0)
	}
	for _, pid := range s.others() {
		// Which numbers there are is found out after the right to take them.
		fd, err := steal(pid, 0)
		if err == nil {
			unix.Close(fd)
		}
		if err == nil || errors.Is(err, unix.EBADF) {
			s.found(describePID(pid), "open files of another process")
		}
	}
	for number := range 16 {
		fd, err := steal(s.victim.pid, number)
		switch {
		case errors.Is(err, unix.EBADF):
		case err != nil:
			s.tell(err)
			return
		default:
			data := make([]byte, 4096)
			n, _ := unix.Pread(fd, data, 0)
			s.look("descriptor "+strconv.Itoa(number), data[:max(n, 0)])
			unix.Close(fd)
		}
	}
}

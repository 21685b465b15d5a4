package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// watchTime is how long events are waited for, at most, after the control's.
const watchTime = 200 * time.Millisecond

// watches has the kernel tell the names of files that others make and open, with
// inotify. The control is a name in the directory of the victim.
func (s *scanner) watches() {
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		s.tell(err)
		return
	}
	defer unix.Close(watch)
	for _, dir := range append([]string{s.victim.dir, "/", "/tmp", "/run", "/var/tmp", "/dev/shm", "/proc", "/workspace", "/layers", "/platform"}, s.orders.Places...) {
		_, err := unix.InotifyAddWatch(watch, dir, unix.IN_CREATE|unix.IN_OPEN|unix.IN_MOVE)
		if dir == s.victim.dir {
			s.tellUnlessNil(err)
		}
	}
	_ = os.WriteFile(filepath.Join(s.victim.dir, s.control.text), nil, 0o600)
	s.drain(watch, func(events []byte) { s.look("names of files", events) })
}

// drain reads what comes out of a descriptor within watchTime.
func (s *scanner) drain(from int, seen func([]byte)) {
	buffer := make([]byte, 64<<10)
	for end := time.Now().Add(watchTime); time.Now().Before(end); {
		n, err := unix.Read(from, buffer)
		if n > 0 {
			seen(buffer[:n])
		}
		if errors.Is(err, unix.EAGAIN) {
			time.Sleep(10 * time.Millisecond)
		} else if err != nil {
			return
		}
	}
}

// opened has the kernel hand out the files that others open, with fanotify. The
// control is the file of the victim.
func (s *scanner) opened() {
	watch, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_NONBLOCK|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err == nil {
		defer unix.Close(watch)
		err = unix.FanotifyMark(watch, unix.FAN_MARK_ADD|unix.FAN_MARK_MOUNT, unix.FAN_OPEN, unix.AT_FDCWD, s.victim.dir)
	}
	if err != nil {
		s.tell(err)
		return
	}
	if file, err := os.Open(filepath.Join(s.victim.dir, "file")); err == nil {
		file.Close()
	}
	s.drain(watch, func(events []byte) {
		for size := int(unsafe.Sizeof(unix.FanotifyEventMetadata{})); len(events) >= size; {
			event := *(*unix.FanotifyEventMetadata)(unsafe.Pointer(&events[0]))
			if event.Fd >= 0 {
				data := make([]byte, 64<<10)
				n, _ := unix.Pread(int(event.Fd), data, 0)
				s.look("opened file", data[:max(n, 0)])
				_ = unix.Close(int(event.Fd))
			}
			if int(event.Event_len) < size || int(event.Event_len) > len(events) {
				return
			}
			events = events[event.Event_len:]
		}
	})
}

// performance counts what other processes do, which tells of what they work on, and
// what all do on a processor.
func (s *scanner) performance() {
	open := func(pid, cpu int) error {
		about := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_TASK_CLOCK, Bits: unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv}
		about.Size = uint32(unsafe.Sizeof(about))
		fd, err := unix.PerfEventOpen(&about, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	}
	for _, pid := range s.others() {
		if open(pid, -1) == nil {
			s.found(describePID(pid), "events of another process")
		}
	}
	if open(-1, 0) == nil {
		s.found("processor 0", "events of all processes")
	}
	s.tell(open(s.victim.pid, -1))
}

// rings asks the kernel for a queue of system calls, which no filter of system calls
// looks into: where there is a filter, there must be no such queue.
func (s *scanner) rings() {
	var parameters [128]byte
	ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0)
	if errno != 0 {
		s.tell(errno)
		return
	}
	_ = unix.Close(int(ring))
	if filtered, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		s.found("io_uring_setup", "a way around the filter of system calls")
	} else {
		_ = unix.Close(filtered)
	}
	s.tell(nil)
}

// pageFaults asks the kernel for the page faults of its own memory: who has those of
// system calls can hold the kernel up within one.
func (s *scanner) pageFaults() {
	const userModeOnly = 1
	open := func(flags uintptr) error {
		fd, _, errno := unix.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|flags, 0, 0)
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	}
	if open(0) == nil {
		s.found("userfaultfd", "page faults of system calls")
	}
	s.tell(open(userModeOnly))
}

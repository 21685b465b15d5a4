package main

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queueOf is the name of the POSIX message queue of a victim.
func queueOf(dir string) string { return "pack-cache-" + filepath.Base(dir) }

// queueAttributes is struct mq_attr of mq_open(3).
type queueAttributes struct{ flags, messages, size, waiting, _, _, _, _ int }

// openQueue opens a POSIX message queue, or makes one.
func openQueue(name string, flags int, with *queueAttributes) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	queue, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)), uintptr(flags|unix.O_NONBLOCK|unix.O_CLOEXEC), 0o666, uintptr(unsafe.Pointer(with)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(queue), nil
}

// fillQueue makes a POSIX message queue with a text in it, and returns what takes it
// away.
func fillQueue(name string, text []byte) (remove func()) {
	queue, err := openQueue(name, unix.O_CREAT|unix.O_WRONLY, &queueAttributes{messages: 1, size: 256})
	if err != nil {
		return func() {}
	}
	_, _, _ = unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(queue), uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)), 0, 0, 0)
	return func() {
		_ = unix.Close(queue)
		if path, err := unix.BytePtrFromString(name); err == nil {
			_, _, _ = unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(path)), 0, 0)
		}
	}
}

// namedQueues reads POSIX message queues: that of the victim, and those that the file
// system of queues lists where it is mounted.
func (s *scanner) namedQueues() {
	own := queueOf(s.victim.dir)
	names := []string{own}
	entries, _ := os.ReadDir("/dev/mqueue")
	for _, entry := range entries {
		if entry.Name() != own {
			names = append(names, entry.Name())
		}
	}
	for _, name := range names {
		queue, err := openQueue(name, unix.O_RDONLY, nil)
		if err != nil {
			if name == own {
				s.tell(err)
			}
			continue
		}
		if name != own {
			s.found("queue "+name, "a message queue of others")
		}
		message := make([]byte, 64<<10)
		n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(queue), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0, 0, 0)
		if errno == 0 {
			s.look("queue "+name, message[:n])
		}
		_ = unix.Close(queue)
	}
}

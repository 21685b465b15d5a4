package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shared lists System V objects of a kind: their number and who made them.
func shared(kind string, creator int) map[int]int {
	data, _ := os.ReadFile("/proc/sysvipc/" + kind)
	all := map[int]int{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) <= creator {
			continue
		}
		id, err := strconv.Atoi(fields[1])
		pid, _ := strconv.Atoi(fields[creator])
		if err == nil {
			all[id] = pid
		}
	}
	return all
}

// sharedMemory looks into System V shared memory. What lies in /dev/shm is among
// the files.
func (s *scanner) sharedMemory() {
	for id, creator := range shared("shm", 4) {
		data, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
		if err != nil {
			continue
		}
		if creator != s.victim.pid {
			s.found("segment "+strconv.Itoa(id), "shared memory of others")
		}
		s.look("segment "+strconv.Itoa(id), data)
		_ = unix.SysvShmDetach(data)
	}
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
	if err == nil {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
	s.tellUnlessNil(err)
}

// messageQueues looks at System V message queues.
func (s *scanner) messageQueues() {
	for id, sender := range shared("msg", 5) {
		if sender != s.victim.pid {
			var status [256]byte
			if _, _, errno := unix.Syscall(unix.SYS_MSGCTL, uintptr(id), unix.IPC_STAT, uintptr(unsafe.Pointer(&status))); errno == 0 {
				s.found("queue "+strconv.Itoa(id), "a message queue of others")
			}
			continue
		}
		message := make([]byte, 8+256)
		const noWait, noError = 0o4000, 0o10000
		n, _, errno := unix.Syscall6(unix.SYS_MSGRCV, uintptr(id), uintptr(unsafe.Pointer(&message[0])), 256, 0, noWait|noError, 0)
		if errno == 0 {
			s.look("queue "+strconv.Itoa(id), message[8:8+n])
		}
	}
	id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
	if errno == 0 {
		_, _, _ = unix.Syscall(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0)
		return
	}
	s.tell(errno)
}

// sendMessage puts a text into a queue.
func sendMessage(queue int, text []byte) {
	message := slices.Concat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, text)
	_, _, _ = unix.Syscall6(unix.SYS_MSGSND, uintptr(queue), uintptr(unsafe.Pointer(&message[0])), uintptr(len(text)), 0, 0, 0)
}

// keyrings reads all keys that this process has by way of its user, session and
// ancestors.
func (s *scanner) keyrings() {
	_, err := unix.AddKey("user", "pack-cache-attack", []byte(s.control.text), unix.KEY_SPEC_PROCESS_KEYRING)
	s.tellUnlessNil(err)
	keyrings, _ := os.ReadFile("/proc/keys")
	s.look("/proc/keys", keyrings)
	ids := []int{
		unix.KEY_SPEC_THREAD_KEYRING, unix.KEY_SPEC_PROCESS_KEYRING, unix.KEY_SPEC_SESSION_KEYRING,
		unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_USER_SESSION_KEYRING,
	}
	for line := range strings.Lines(string(keyrings)) {
		if id, err := strconv.ParseInt(strings.Fields(line)[0], 16, 32); err == nil {
			ids = append(ids, int(id))
		}
	}
	for _, id := range ids {
		s.key(id, 3)
	}
}

// key reads a key or, as deep as depth, a keyring.
func (s *scanner) key(id, depth int) {
	where := "key " + strconv.Itoa(id)
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	if err != nil {
		return
	}
	s.look(where, []byte(description))
	data := make([]byte, 64<<10)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, data, 0)
	if err != nil {
		return
	}
	data = data[:min(n, len(data))]
	s.look(where, data)
	if strings.HasPrefix(description, "keyring;") && depth > 0 {
		for ; len(data) >= 4; data = data[4:] {
			s.key(int(*(*int32)(unsafe.Pointer(&data[0]))), depth-1)
		}
	}
}

package confine

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// denied are system calls that a phase has no use for and that have been ways
// out of a sandbox: mounts, namespaces, keys, programs for the kernel, devices
// and the machine's state. A phase lacks the right to most of them anyway.
var denied = []uint32{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
	unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_SETNS, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_REBOOT,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SYSLOG, unix.SYS_VHANGUP,
}

// namespaces are the clone flags that make new namespaces. CLONE_NEWTIME is
// one for unshare only.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// Offsets in the kernel's struct seccomp_data, on little-endian machines.
const (
	offsetNumber       = 0
	offsetArchitecture = 4
	offsetArgument     = 16
)

// architectures are those that the filter is written for. The calls of others,
// such as the 32-bit ones of the same machine, have other numbers.
var architectures = map[string]uint32{
	"amd64":   unix.AUDIT_ARCH_X86_64,
	"arm64":   unix.AUDIT_ARCH_AARCH64,
	"riscv64": unix.AUDIT_ARCH_RISCV64,
	"ppc64le": unix.AUDIT_ARCH_PPC64LE,
}

// x32Calls and above are the calls of the x32 ABI of amd64.
const x32Calls = 0x40000000

// Calls says what else a phase may not do.
type Calls struct {
	// NoUnixSockets forbids new Unix sockets, but for pairs: with one, a phase
	// could connect to those of other programs that have a path.
	NoUnixSockets bool `json:"no_unix_sockets,omitempty"`
	// NoSharedMemory forbids shared memory, semaphores and message queues that
	// have a number or a name, by which those of other programs are reached.
	NoSharedMemory bool `json:"no_shared_memory,omitempty"`
}

// shared are the system calls for what NoSharedMemory forbids.
var shared = []uint32{
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_SEMGET, operateSemaphores, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL,
	unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL, unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,
}

// ErrNoFilter says that there is no filter for this machine's processor.
var ErrNoFilter = errors.New("no filter of system calls for this processor")

// RestrictCalls puts the current thread, which has no_new_privs set, and all
// that it becomes and starts, under the filter.
func RestrictCalls(more Calls) error {
	architecture, known := architectures[runtime.GOARCH]
	if !known {
		return fmt.Errorf("%w (%s)", ErrNoFilter, runtime.GOARCH)
	}
	filter := callFilter(architecture, more)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	return nil
}

// callFilter is the filter as a program for the kernel.
func callFilter(architecture uint32, more Calls) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	// jump goes on yes or no instructions further.
	jump := func(condition uint16, value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | condition | unix.BPF_K, K: value, Jt: yes, Jf: no}
	}
	answer := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	deny := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	unknown := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	allow := answer(unix.SECCOMP_RET_ALLOW)

	program := []unix.SockFilter{
		load(offsetArchitecture),
		jump(unix.BPF_JEQ, architecture, 1, 0),
		unknown,
		load(offsetNumber),
	}
	if architecture == unix.AUDIT_ARCH_X86_64 {
		program = append(program, jump(unix.BPF_JGE, x32Calls, 0, 1), unknown)
	}
	for _, number := range denied {
		program = append(program, jump(unix.BPF_JEQ, number, 0, 1), deny)
	}
	if more.NoSharedMemory {
		for _, number := range shared {
			program = append(program, jump(unix.BPF_JEQ, number, 0, 1), deny)
		}
	}
	for _, call := range []struct{ number, flags uint32 }{
		{unix.SYS_CLONE, namespaces},
		{unix.SYS_UNSHARE, namespaces | unix.CLONE_NEWTIME},
	} {
		program = append(program, jump(unix.BPF_JEQ, call.number, 0, 4),
			load(offsetArgument), jump(unix.BPF_JSET, call.flags, 0, 1), deny, allow)
	}
	if more.NoUnixSockets {
		program = append(program, jump(unix.BPF_JEQ, unix.SYS_SOCKET, 0, 4),
			load(offsetArgument), jump(unix.BPF_JEQ, unix.AF_UNIX, 0, 1), answer(unix.SECCOMP_RET_ERRNO|uint32(unix.EACCES)), allow)
	}
	// The flags of clone3 are in memory, out of a filter's reach. C libraries
	// and Go fall back to clone.
	return append(program, jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), unknown, allow)
}

package main

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tryCalls makes system calls that a phase has no business with and says how
// each ended. The arguments are such that an allowed call does no harm.
func tryCalls() map[string]string {
	runtime.LockOSThread()
	var zero [128]byte
	nothing := uintptr(unsafe.Pointer(&zero))
	calls := map[string][7]uintptr{
		"mount":             {unix.SYS_MOUNT, nothing, nothing, nothing},
		"umount2":           {unix.SYS_UMOUNT2, nothing},
		"pivot_root":        {unix.SYS_PIVOT_ROOT, nothing, nothing},
		"open_tree":         {unix.SYS_OPEN_TREE, 0, nothing},
		"fsopen":            {unix.SYS_FSOPEN, nothing},
		"mount_setattr":     {unix.SYS_MOUNT_SETATTR, 0, nothing},
		"setns":             {unix.SYS_SETNS},
		"unshare user":      {unix.SYS_UNSHARE, unix.CLONE_NEWUSER},
		"unshare mounts":    {unix.SYS_UNSHARE, unix.CLONE_NEWNS},
		"clone user":        {unix.SYS_CLONE, unix.CLONE_NEWUSER | unix.CLONE_THREAD},
		"clone3":            {unix.SYS_CLONE3, nothing, 0},
		"keyctl":            {unix.SYS_KEYCTL},
		"add_key":           {unix.SYS_ADD_KEY, nothing, nothing},
		"request_key":       {unix.SYS_REQUEST_KEY, nothing, nothing},
		"bpf":               {unix.SYS_BPF},
		"perf_event_open":   {unix.SYS_PERF_EVENT_OPEN, nothing},
		"io_uring_setup":    {unix.SYS_IO_URING_SETUP, 0, nothing},
		"userfaultfd":       {unix.SYS_USERFAULTFD},
		"finit_module":      {unix.SYS_FINIT_MODULE},
		"kexec_load":        {unix.SYS_KEXEC_LOAD},
		"open_by_handle_at": {unix.SYS_OPEN_BY_HANDLE_AT},
		"unshare nothing":   {unix.SYS_UNSHARE, 0},
	}
	results := map[string]string{}
	for name, c := range calls {
		_, _, errno := unix.Syscall6(c[0], c[1], c[2], c[3], c[4], c[5], c[6])
		results[name] = "allowed"
		if errno != 0 {
			results[name] = unix.ErrnoName(errno)
		}
	}
	results["no new privileges"] = "off"
	if on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && on == 1 {
		results["no new privileges"] = "on"
	}
	if err := unix.Kill(1, 0); errors.Is(err, unix.EPERM) {
		results["signal init"] = "EPERM"
	}
	return results
}

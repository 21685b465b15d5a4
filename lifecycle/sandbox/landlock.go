package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock versions (its ABI) by what they brought.
const (
	landlockRefer    = 2 // moving files between directories; before, it is forbidden
	landlockTruncate = 3
	landlockIoctl    = 5
	landlockScope    = 6 // signals and abstract sockets
)

// restrictFiles puts the current thread, and all that it becomes and starts,
// into a Landlock domain, and says in words which, or why none.
//
// The root holds nothing that the phase may not see, so the rules for files
// forbid only devices; what the domain adds is that its processes cannot trace
// or signal processes outside, connect to abstract sockets made outside (those
// of the machine, on its network), or change mounts, were they to get the
// right to it.
func restrictFiles() (string, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Sprintf("no landlock (%v)", errno), nil
	}
	if abi < landlockRefer {
		return fmt.Sprintf("no landlock (its ABI %d forbids moving files)", abi), nil
	}
	attr := landlockAttr(int(abi))
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return "", step(errno, "ruleset for ABI %d", abi)
	}
	defer unix.Close(int(ruleset))
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(root)
	rule := unix.LandlockPathBeneathAttr{
		Allowed_access: attr.Access_fs &^ (unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK),
		Parent_fd:      int32(root),
	}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return "", step(errno, "rule for ABI %d", abi)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return "", step(errno, "domain for ABI %d", abi)
	}
	scope := "files"
	if attr.Scoped != 0 {
		scope = "files, signals and abstract sockets"
	}
	return fmt.Sprintf("landlock ABI %d (%s)", abi, scope), nil
}

// landlockAttr lists what a kernel with this ABI can restrict.
func landlockAttr(abi int) unix.LandlockRulesetAttr {
	attr := unix.LandlockRulesetAttr{Access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 | unix.LANDLOCK_ACCESS_FS_REFER}
	if abi >= landlockTruncate {
		attr.Access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= landlockIoctl {
		attr.Access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= landlockScope {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

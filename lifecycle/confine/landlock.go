package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock versions (its ABI) by what they brought.
const (
	// LandlockRefer is the oldest one that is used: before, moving files between
	// directories is forbidden, which breaks git and npm.
	LandlockRefer    = 2
	landlockTruncate = 3
	landlockIoctl    = 5
	// LandlockScope covers signals and abstract sockets.
	LandlockScope = 6
)

// Access is what a rule allows below its path.
type Access uint8

// What can be allowed. All of it together is everything but to make devices.
const (
	Read Access = 1 << iota
	Execute
	// Write is also to make and to remove.
	Write
	// Ioctl is to steer devices.
	Ioctl
)

// Rule allows something with a file, or with a directory and all below it.
type Rule struct {
	Path   string `json:"path"`
	Access Access `json:"access"`
}

// LandlockABI returns the version of Landlock that the kernel offers, or why
// there is none that can be used.
func LandlockABI() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno != 0:
		return 0, fmt.Errorf("no landlock (%w)", errno)
	case abi < LandlockRefer:
		return 0, fmt.Errorf("no landlock (its ABI %d forbids moving files)", abi)
	}
	return int(abi), nil
}

// LandlockScopes says in words what a domain of an ABI covers.
func LandlockScopes(abi int) string {
	if abi >= LandlockScope {
		return "files, processes, signals and abstract sockets"
	}
	return "files and processes, but not signals and abstract sockets"
}

// RestrictFiles puts the current thread, and all that it becomes and starts,
// into a Landlock domain in which files are accessible as the rules allow. Its
// processes also cannot trace processes outside or read their memory
// and environment, nor change mounts, nor, from ABI 6 on, signal processes or
// connect to abstract sockets outside. The thread has no_new_privs set.
func RestrictFiles(abi int, rules []Rule) error {
	attr := landlockAttr(abi)
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	runtime.KeepAlive(&attr)
	if errno != 0 {
		return Step(errno, "ruleset for ABI %d", abi)
	}
	defer unix.Close(int(ruleset))
	for _, rule := range rules {
		if err := addRule(int(ruleset), rule, attr.Access_fs); err != nil {
			return err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return Step(errno, "domain for ABI %d", abi)
	}
	return nil
}

func addRule(ruleset int, rule Rule, handled uint64) error {
	fd, err := unix.Open(rule.Path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return Step(err, "rule for %s", rule.Path)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return Step(err, "rule for %s", rule.Path)
	}
	attr := unix.LandlockPathBeneathAttr{
		Allowed_access: rule.Access.rights(stat.Mode&unix.S_IFMT == unix.S_IFDIR) & handled,
		Parent_fd:      int32(fd),
	}
	if attr.Allowed_access == 0 {
		return nil
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	runtime.KeepAlive(&attr)
	if errno != 0 {
		return Step(errno, "rule for %s", rule.Path)
	}
	return nil
}

// rights are the kernel's names for what is allowed.
func (a Access) rights(dir bool) uint64 {
	rights := uint64(0)
	for _, part := range []struct {
		access        Access
		file, dirOnly uint64
	}{
		{Read, unix.LANDLOCK_ACCESS_FS_READ_FILE, unix.LANDLOCK_ACCESS_FS_READ_DIR},
		{Execute, unix.LANDLOCK_ACCESS_FS_EXECUTE, 0},
		{
			Write, unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE,
			unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
				unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
				unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER,
		},
		{Ioctl, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV, 0},
	} {
		if a&part.access == 0 {
			continue
		}
		rights |= part.file
		if dir {
			rights |= part.dirOnly
		}
	}
	return rights
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
	if abi >= LandlockScope {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

package confine

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// DropPrivileges makes the current thread u's, without supplementary groups,
// capabilities, keys, or a way to get any of them back. An ordinary user keeps
// its groups unless setGroups says that they can be dropped. The thread is locked,
// and its process is about to exec: what other threads keep dies with them.
func DropPrivileges(u lifecycle.User, setGroups bool) error {
	// The session keyring of whoever started the build. A kernel without keys
	// or a filter that forbids them leaves none to leak.
	_, _ = unix.KeyctlJoinSessionKeyring("")
	for capability := uintptr(0); ; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) && !HasCapability(unix.CAP_SETPCAP) {
			break // the kernel has no more of them, or no_new_privs has to do
		}
		if err != nil {
			return fmt.Errorf("dropping capability %d: %w", capability, err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return Step(err, "dropping ambient capabilities")
	}
	// The raw calls, because the wrappers change all threads.
	if setGroups {
		if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
			return Step(errno, "dropping groups")
		}
	}
	gid, uid := uintptr(u.GID), uintptr(u.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return Step(errno, "becoming group %d", u.GID)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return Step(errno, "becoming user %d", u.UID)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return Step(err, "dropping capabilities")
	}
	return Step(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
}

// GiveStreams makes the pipes of standard input, output and error u's: a
// program may open them anew as /dev/stdout.
func GiveStreams(u lifecycle.User) error {
	for fd := range 3 {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil {
			return Step(err, "standard stream %d", fd)
		}
		if stat.Mode&unix.S_IFMT != unix.S_IFIFO {
			continue
		}
		if err := unix.Fchown(fd, u.UID, u.GID); err != nil {
			return Step(err, "standard stream %d", fd)
		}
	}
	return nil
}

// DefaultSignals makes exec reset every signal. One that is ignored would stay
// so (as under nohup); one with a handler does not.
func DefaultSignals() {
	signal.Notify(make(chan os.Signal, 1))
}

// HasCapability tells whether this process may use a capability.
func HasCapability(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

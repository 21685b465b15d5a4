//go:build unix

package posix

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

type (
	// Timespec is the kernel's form of a time.
	Timespec = unix.Timespec
	// Stat_t is what the kernel says of a file.
	Stat_t = unix.Stat_t
)

// The kernel's numbers.
const (
	S_IFMT   = unix.S_IFMT
	S_IFREG  = unix.S_IFREG
	S_IFDIR  = unix.S_IFDIR
	S_IFLNK  = unix.S_IFLNK
	S_IFSOCK = unix.S_IFSOCK

	O_RDONLY    = unix.O_RDONLY
	O_WRONLY    = unix.O_WRONLY
	O_CREAT     = unix.O_CREAT
	O_EXCL      = unix.O_EXCL
	O_NONBLOCK  = unix.O_NONBLOCK
	O_DIRECTORY = unix.O_DIRECTORY
	O_NOFOLLOW  = unix.O_NOFOLLOW
	O_CLOEXEC   = unix.O_CLOEXEC

	AT_FDCWD            = unix.AT_FDCWD
	AT_SYMLINK_NOFOLLOW = unix.AT_SYMLINK_NOFOLLOW

	EINTR        = unix.EINTR
	EEXIST       = unix.EEXIST
	EINVAL       = unix.EINVAL
	ENAMETOOLONG = unix.ENAMETOOLONG
	ENOENT       = unix.ENOENT
	ENOTDIR      = unix.ENOTDIR
	ELOOP        = unix.ELOOP
	EROFS        = unix.EROFS
	ENOSPC       = unix.ENOSPC
	EDQUOT       = unix.EDQUOT
)

// Stat is stat(2).
func Stat(path string, st *Stat_t) error { return unix.Stat(path, st) }

// Fstat is fstat(2).
func Fstat(fd int, st *Stat_t) error { return unix.Fstat(fd, st) }

// Fstatat is fstatat(2).
func Fstatat(fd int, path string, st *Stat_t, flags int) error {
	return unix.Fstatat(fd, path, st, flags)
}

// Openat is openat(2).
func Openat(fd int, path string, flags int, mode uint32) (int, error) {
	return unix.Openat(fd, path, flags, mode)
}

// Readlinkat is readlinkat(2).
func Readlinkat(fd int, path string, buffer []byte) (int, error) {
	return unix.Readlinkat(fd, path, buffer)
}

// Read is read(2).
func Read(fd int, p []byte) (int, error) { return unix.Read(fd, p) }

// Write is write(2).
func Write(fd int, p []byte) (int, error) { return unix.Write(fd, p) }

// Pwrite is pwrite(2).
func Pwrite(fd int, p []byte, offset int64) (int, error) { return unix.Pwrite(fd, p, offset) }

// Ftruncate is ftruncate(2).
func Ftruncate(fd int, size int64) error { return unix.Ftruncate(fd, size) }

// Close is close(2).
func Close(fd int) error { return unix.Close(fd) }

// ReadDirent reads entries of a directory for ParseDirent.
func ReadDirent(fd int, buffer []byte) (int, error) { return unix.ReadDirent(fd, buffer) }

// ParseDirent appends to names up to max that are in buffer.
func ParseDirent(buffer []byte, max int, names []string) (consumed, count int, all []string) {
	return unix.ParseDirent(buffer, max, names)
}

// Mkdirat is mkdirat(2).
func Mkdirat(fd int, path string, mode uint32) error { return unix.Mkdirat(fd, path, mode) }

// Symlinkat is symlinkat(2).
func Symlinkat(target string, fd int, path string) error { return unix.Symlinkat(target, fd, path) }

// Unlinkat is unlinkat(2).
func Unlinkat(fd int, path string, flags int) error { return unix.Unlinkat(fd, path, flags) }

// Fchmod is fchmod(2).
func Fchmod(fd int, mode uint32) error { return unix.Fchmod(fd, mode) }

// UtimesNanoAt is utimensat(2).
func UtimesNanoAt(fd int, path string, times []Timespec, flags int) error {
	return unix.UtimesNanoAt(fd, path, times, flags)
}

// TryLock locks a file without waiting: ErrLocked says that somebody else has
// it. Goroutines that have opened it themselves count like processes, and closing
// it, or the end of the process, lets go of it.
func TryLock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		case err != nil:
			return &os.PathError{Op: "flock", Path: file.Name(), Err: err}
		default:
			return nil
		}
	}
}

// Owner returns who owns a file.
func Owner(info os.FileInfo) (uid, gid int, ok bool) {
	st, ok := info.Sys().(*sysStat)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// Names returns how many names (hard links) a file has; 1 if that is not known.
func Names(info os.FileInfo) uint64 {
	st, ok := info.Sys().(*sysStat)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}

package posix

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// Timespec is a time of a file.
type Timespec struct{ Sec, Nsec int64 }

// Unix returns the time as seconds and nanoseconds.
func (t Timespec) Unix() (sec, nsec int64) { return t.Sec, t.Nsec }

// Nano returns the time in nanoseconds.
func (t Timespec) Nano() int64 { return t.Sec*1e9 + t.Nsec }

// Stat_t is what Unix says about a file.
type Stat_t struct {
	Mode       uint32
	Uid, Gid   uint32
	Ino, Nlink uint64
	Size       int64
	Mtim, Ctim Timespec
}

// Numbers as Linux has them.
const (
	S_IFMT   = 0o170000
	S_IFREG  = 0o100000
	S_IFDIR  = 0o040000
	S_IFLNK  = 0o120000
	S_IFSOCK = 0o140000

	O_RDONLY    = os.O_RDONLY
	O_WRONLY    = os.O_WRONLY
	O_CREAT     = os.O_CREATE
	O_EXCL      = os.O_EXCL
	O_NONBLOCK  = 0
	O_DIRECTORY = 0
	O_NOFOLLOW  = 0
	O_CLOEXEC   = 0

	AT_FDCWD            = -100
	AT_SYMLINK_NOFOLLOW = 0x100

	EINTR        = syscall.EINTR
	EEXIST       = syscall.EEXIST
	EINVAL       = syscall.EINVAL
	ENAMETOOLONG = syscall.ENAMETOOLONG
	ENOENT       = syscall.ENOENT
	ENOTDIR      = syscall.ENOTDIR
	ELOOP        = syscall.ELOOP
	EROFS        = syscall.EROFS
	ENOSPC       = windows.ERROR_DISK_FULL
	EDQUOT       = windows.ERROR_DISK_QUOTA_EXCEEDED
)

// Stat is not supported.
func Stat(string, *Stat_t) error { return errors.ErrUnsupported }

// Fstat is not supported.
func Fstat(int, *Stat_t) error { return errors.ErrUnsupported }

// Fstatat is not supported.
func Fstatat(int, string, *Stat_t, int) error { return errors.ErrUnsupported }

// Openat is not supported.
func Openat(int, string, int, uint32) (int, error) { return -1, errors.ErrUnsupported }

// Readlinkat is not supported.
func Readlinkat(int, string, []byte) (int, error) { return 0, errors.ErrUnsupported }

// Read is not supported.
func Read(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// Write is not supported.
func Write(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// Pwrite is not supported.
func Pwrite(int, []byte, int64) (int, error) { return 0, errors.ErrUnsupported }

// Ftruncate is not supported.
func Ftruncate(int, int64) error { return errors.ErrUnsupported }

// Close is not supported.
func Close(int) error { return errors.ErrUnsupported }

// ReadDirent is not supported.
func ReadDirent(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// ParseDirent finds nothing.
func ParseDirent(_ []byte, _ int, names []string) (consumed, count int, all []string) {
	return 0, 0, names
}

// Mkdirat is not supported.
func Mkdirat(int, string, uint32) error { return errors.ErrUnsupported }

// Symlinkat is not supported.
func Symlinkat(string, int, string) error { return errors.ErrUnsupported }

// Unlinkat is not supported.
func Unlinkat(int, string, int) error { return errors.ErrUnsupported }

// Fchmod is not supported.
func Fchmod(int, uint32) error { return errors.ErrUnsupported }

// UtimesNanoAt is not supported.
func UtimesNanoAt(int, string, []Timespec, int) error { return errors.ErrUnsupported }

// Futimens is not supported.
func Futimens(int, []Timespec) error { return errors.ErrUnsupported }

// TryLock locks a file without waiting: ErrLocked says that somebody else has
// it. Closing it, or the end of the process, lets go of it.
func TryLock(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION), errors.Is(err, windows.ERROR_IO_PENDING):
		return ErrLocked
	case err != nil:
		return &os.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	return nil
}

// Owner knows none.
func Owner(os.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// Names knows nothing but one.
func Names(os.FileInfo) uint64 { return 1 }

package unpack

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// removeAll removes path and everything below it, also from directories that
// do not let their owner write, and returns the bytes that were freed. It is no
// error when there is nothing.
func removeAll(path string) (int64, error) {
	parent, err := openDir(unix.AT_FDCWD, filepath.Dir(path))
	if errors.Is(err, syscall.ENOENT) {
		return 0, nil
	}
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	defer unix.Close(parent)
	freed, err := removeTree(parent, filepath.Base(path))
	if err != nil {
		return freed, &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return freed, nil
}

// removeTree is removeAll for an entry of an open directory. It follows no
// symbolic link.
func removeTree(parent int, name string) (freed int64, err error) {
	var st unix.Stat_t
	err = unix.Fstatat(parent, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, syscall.ENOENT) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		if err := unix.Unlinkat(parent, name, 0); err != nil {
			return 0, err
		}
		if st.Nlink > 1 {
			return 0, nil
		}
		return st.Blocks * 512, nil
	}
	if st.Mode&0o700 != 0o700 {
		// Failure shows below, where it matters.
		_ = unix.Fchmodat(parent, name, 0o700, 0)
	}
	freed, err = removeContent(parent, name)
	if err != nil {
		return freed, err
	}
	return freed + st.Blocks*512, unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
}

func removeContent(parent int, name string) (freed int64, err error) {
	names, fd, err := readDir(parent, name)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	for _, child := range names {
		n, err := removeTree(fd, child)
		freed += n
		if err != nil {
			return freed, err
		}
	}
	return freed, nil
}

// readDir returns the names in a directory and the open directory.
func readDir(parent int, name string) (names []string, fd int, err error) {
	fd, err = openDir(parent, name)
	if err != nil {
		return nil, -1, err
	}
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil {
			unix.Close(fd)
			return nil, -1, err
		}
		if n == 0 {
			return names, fd, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// openDir opens a directory, but no symbolic link to one.
func openDir(parent int, name string) (fd int, err error) {
	err = retryEINTR(func() error {
		fd, err = unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	return fd, err
}

// retryEINTR repeats a system call that network and FUSE file systems let a
// signal interrupt.
func retryEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

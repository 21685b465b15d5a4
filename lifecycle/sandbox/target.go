package sandbox

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// makeTarget returns a descriptor of the directory, or file, at the given
// absolute path below root, to mount something on. What is missing is made.
//
// Symbolic links on the way lead to places below root. The last element is
// never followed: where it is a symbolic link, or a file instead of a directory,
// it is replaced, for a phase's mounts have to be where the phase says.
func makeTarget(root int, target string, dir bool) (int, error) {
	if target == "/" {
		return -1, errors.New("cannot mount on the root")
	}
	parent, err := makeDir(root, path.Dir(target))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	name := path.Base(target)
	fd, err := openTarget(parent, name, dir)
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, unix.ENOENT):
	case errors.Is(err, errReplace):
		if err := unix.Unlinkat(parent, name, 0); err != nil {
			return -1, fmt.Errorf("replacing %s: %w", target, err)
		}
	default:
		return -1, err
	}
	if err := create(parent, name, dir); err != nil {
		return -1, fmt.Errorf("creating %s: %w", target, err)
	}
	return openTarget(parent, name, dir)
}

// errReplace says that what is there cannot be mounted on.
var errReplace = errors.New("another kind of file is in the way")

func openTarget(parent int, name string, dir bool) (int, error) {
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return -1, err
	}
	kind := stat.Mode & unix.S_IFMT
	switch {
	case !dir && kind == unix.S_IFDIR:
		unix.Close(fd)
		return -1, fmt.Errorf("%s is a directory", name)
	case kind == unix.S_IFLNK, dir && kind != unix.S_IFDIR:
		unix.Close(fd)
		return -1, errReplace
	}
	return fd, nil
}

func create(parent int, name string, dir bool) error {
	if dir {
		return unix.Mkdirat(parent, name, 0o755)
	}
	return unix.Mknodat(parent, name, unix.S_IFREG|0o644, 0)
}

// makeDir opens the directory at an absolute path below root, which it makes
// with its parents where they are missing.
func makeDir(root int, dir string) (int, error) {
	how := unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		// Magic links lead to directories that this process has open.
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(root, dir, &how)
	if err == nil {
		return fd, nil
	}
	if !errors.Is(err, unix.ENOENT) || dir == "/" {
		return -1, fmt.Errorf("directory %s: %w", dir, err)
	}
	parent, err := makeDir(root, path.Dir(dir))
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	name := path.Base(dir)
	if err := unix.Mkdirat(parent, name, 0o755); err != nil {
		// A symbolic link that leads nowhere says EEXIST.
		return -1, fmt.Errorf("creating %s: %w", dir, err)
	}
	return unix.Openat(parent, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

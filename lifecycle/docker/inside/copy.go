//go:build linux

package inside

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// do copies, and tells whether it was a file and not a directory.
func (c Copy) do() (isFile bool, err error) {
	from, err := filepath.EvalSymlinks(c.From)
	if err != nil {
		return false, err
	}
	info, err := os.Lstat(from)
	if err != nil {
		return false, err
	}
	to := filepath.Join(WorkDir, c.To)
	if info.IsDir() {
		return false, c.tree(from, to, info)
	}
	if !info.Mode().IsRegular() {
		return false, errors.New("neither a file nor a directory")
	}
	return true, c.file(from, filepath.Join(to, CopiedFile), info)
}

// tree copies a directory onto one that is there. What is neither file, link
// nor directory is left out, and so is what is mounted below.
func (c Copy) tree(from, to string, info fs.FileInfo) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := c.entry(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name()), info); err != nil {
			return err
		}
	}
	return finish(to, info, info.Mode().Perm())
}

// entry copies one entry of a directory.
func (c Copy) entry(from, to string, parent fs.FileInfo) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir() && owner(info).Dev != owner(parent).Dev:
		return nil
	case info.IsDir():
		if err := os.Mkdir(to, 0o700); err != nil {
			return err
		}
		return c.tree(from, to, info)
	case info.Mode().IsRegular():
		return c.file(from, to, info)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return errors.Join(os.Symlink(target, to), os.Lchown(to, int(owner(info).Uid), int(owner(info).Gid)))
	}
	return nil
}

func (c Copy) file(from, to string, info fs.FileInfo) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err := errors.Join(err, target.Close()); err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if !c.Executable {
		mode &^= 0o111
	}
	return finish(to, info, mode)
}

// finish gives a copy what the original has; setuid bits are not among it.
func finish(path string, info fs.FileInfo, mode fs.FileMode) error {
	return errors.Join(
		os.Chown(path, int(owner(info).Uid), int(owner(info).Gid)),
		os.Chmod(path, mode),
		os.Chtimes(path, time.Time{}, info.ModTime()))
}

func owner(info fs.FileInfo) *syscall.Stat_t { return info.Sys().(*syscall.Stat_t) }

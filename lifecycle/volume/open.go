package volume

import (
	"errors"
	"io/fs"
	"os"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// Open opens the regular file at path in the volume at dir. Symbolic links are
// followed only within the volume. The error is fs.ErrNotExist when there is no
// such file.
func Open(dir, path string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Without O_NONBLOCK a named pipe would keep the opener waiting.
	file, err := root.OpenFile(path, os.O_RDONLY|posix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		file, err = openClosed(root, path)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "export", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// openClosed opens a file that does not let its owner read it, who has no
// capability to do so all the same.
func openClosed(root *os.Root, path string) (*os.File, error) {
	info, err := root.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := root.Chmod(path, info.Mode()|0o400); err != nil {
		return nil, err
	}
	file, err := root.OpenFile(path, os.O_RDONLY|posix.O_NONBLOCK, 0)
	return file, errors.Join(err, root.Chmod(path, info.Mode()))
}

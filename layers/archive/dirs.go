package archive

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// dirStack keeps the directories of one path open, from a root down, so that
// every file below is reached by its last element alone. Symbolic links are
// never followed. Moving along a tree in its own order opens each directory
// once. It is not safe for concurrent use.
type dirStack struct {
	root  int
	names []string
	fds   []int
}

// newDirStack starts at root, which stays the caller's.
func newDirStack(root int) *dirStack { return &dirStack{root: root} }

// enter returns a descriptor of the directory dir, which is relative to the
// root and clean; "" is the root. It is valid until the next call.
func (d *dirStack) enter(dir string) (int, error) {
	if dir == "" {
		return d.root, nil
	}
	depth := 0
	for name := range strings.SplitSeq(dir, "/") {
		if depth < len(d.names) && d.names[depth] == name {
			depth++
			continue
		}
		d.leave(depth)
		fd, err := openDir(d.top(), name)
		if err != nil {
			return -1, fmt.Errorf("opening directory %q: %w", path.Join(path.Join(d.names...), name), err)
		}
		d.names = append(d.names, name)
		d.fds = append(d.fds, fd)
		depth++
	}
	return d.fds[depth-1], nil
}

func (d *dirStack) top() int {
	if len(d.fds) == 0 {
		return d.root
	}
	return d.fds[len(d.fds)-1]
}

// leave closes what is deeper than depth.
func (d *dirStack) leave(depth int) {
	for _, fd := range d.fds[depth:] {
		posix.Close(fd)
	}
	d.fds, d.names = d.fds[:depth], d.names[:depth]
}

// close closes everything but the root.
func (d *dirStack) close() { d.leave(0) }

// splitPath splits a clean relative path into its directory, "" for the root,
// and its last element.
func splitPath(name string) (dir, base string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// openDir opens the directory name in dir, and no symbolic link.
func openDir(dir int, name string) (int, error) {
	return openAt(dir, name, posix.O_RDONLY|posix.O_DIRECTORY, 0)
}

// openAt opens name in dir without following a symbolic link. Opening can be
// interrupted on file systems that are programs.
func openAt(dir int, name string, flags int, mode uint32) (int, error) {
	for {
		fd, err := posix.Openat(dir, name, flags|posix.O_NOFOLLOW|posix.O_CLOEXEC, mode)
		if err != posix.EINTR {
			return fd, err
		}
	}
}

// fdReader reads from a descriptor. An os.File would first try to wait for it.
type fdReader int

// Read implements io.Reader.
func (fd fdReader) Read(p []byte) (int, error) {
	for {
		n, err := posix.Read(int(fd), p)
		switch {
		case err == posix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Close implements io.Closer.
func (fd fdReader) Close() error { return posix.Close(int(fd)) }

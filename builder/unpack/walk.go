package unpack

import (
	"errors"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

const (
	// maxLinks is how many symbolic links one path may go through, as in the
	// kernel.
	maxLinks = 40
)

// walker finds directories below a root. It opens one component at a time and
// never follows a symbolic link by way of the kernel, so it cannot leave the
// root. Archives name neighbours one after the other; that is why it keeps the
// directories on the way to the last one open.
//
// The caller makes sure that nobody else changes the tree, and calls reset when
// it removes a directory.
type walker struct {
	root  int
	chain []step
	// asked and path are the last path asked for and where it led, without
	// symbolic links.
	asked, path string
	fresh       bool // asked and path are valid
	// follow resolves symbolic links as if root were "/".
	follow bool
	// make puts a directory where it is missing; nil: that is an error.
	make func(parent int, name, path string) error
}

type step struct {
	name string
	fd   int
}

// to opens the directory path, relative to the root, and returns its descriptor,
// which is good until the next call.
func (w *walker) to(path string) (int, error) {
	if w.fresh && path == w.asked {
		return w.fd(), nil
	}
	w.fresh = false
	rest := split(path)
	shared := 0
	for shared < len(rest) && shared < len(w.chain) && w.chain[shared].name == rest[shared] {
		shared++
	}
	w.cut(shared)
	rest = rest[shared:]
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			w.cut(max(len(w.chain)-1, 0))
			continue
		}
		target, err := w.enter(name)
		if err != nil {
			return -1, err
		}
		if target == "" {
			continue
		}
		if links++; links > maxLinks {
			return -1, syscall.ELOOP
		}
		if target[0] == '/' {
			w.cut(0)
		}
		rest = append(split(target), rest...)
	}
	w.asked, w.path, w.fresh = path, w.physical(), true
	return w.fd(), nil
}

// enter steps into a directory of the current one, or returns where a symbolic
// link of that name points.
func (w *walker) enter(name string) (target string, err error) {
	if len(w.chain) == bounds.MaxPathDepth {
		return "", syscall.ENAMETOOLONG
	}
	fd, err := openDir(w.fd(), name)
	if isNotDir(err) && w.follow {
		target, err = readlink(w.fd(), name)
		if err == nil {
			return target, nil
		}
		if errors.Is(err, syscall.EINVAL) { // no symbolic link
			err = syscall.ENOTDIR
		}
	}
	if (errors.Is(err, syscall.ENOENT) || isNotDir(err)) && w.make != nil {
		if err := w.make(w.fd(), name, join(w.physical(), name)); err != nil {
			return "", err
		}
		fd, err = openDir(w.fd(), name)
	}
	if err != nil {
		return "", err
	}
	w.chain = append(w.chain, step{name, fd})
	return "", nil
}

// fd is the directory that the walker is in.
func (w *walker) fd() int {
	if len(w.chain) == 0 {
		return w.root
	}
	return w.chain[len(w.chain)-1].fd
}

func (w *walker) physical() string {
	names := make([]string, len(w.chain))
	for i, s := range w.chain {
		names[i] = s.name
	}
	return strings.Join(names, "/")
}

func (w *walker) cut(n int) {
	for _, s := range w.chain[n:] {
		unix.Close(s.fd)
	}
	w.chain = w.chain[:n]
}

// reset forgets every directory but the root.
func (w *walker) reset() {
	w.cut(0)
	w.fresh = false
}

func isNotDir(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}

func readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

func split(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

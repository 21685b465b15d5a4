package unpack

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// node is everything about an entry on disk.
type node struct {
	Kind    string
	Mode    uint32
	Owner   string
	MTime   time.Time
	Content string
	Link    string
	Dev     string
	Same    string // earlier name of the inode
	Xattrs  map[string]string
}

// manifest lists a tree by path, "." for its root.
func manifest(root string) (map[string]node, error) {
	nodes := map[string]node{}
	inodes := map[uint64]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		nodes[rel], err = nodeOf(path, rel, inodes)
		return err
	})
	return nodes, err
}

func nodeOf(path, rel string, inodes map[uint64]string) (node, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return node{}, err
	}
	n := node{
		Mode:  st.Mode & 0o7777,
		Owner: fmt.Sprintf("%d:%d", st.Uid, st.Gid),
		MTime: time.Unix(st.Mtim.Unix()).UTC(),
	}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		n.Kind = "dir"
	case unix.S_IFREG:
		n.Kind = "file"
		var b []byte
		b, err = os.ReadFile(path)
		n.Content = string(b)
	case unix.S_IFLNK:
		n.Kind = "symlink"
		n.Link, err = os.Readlink(path)
	case unix.S_IFIFO:
		n.Kind = "fifo"
	case unix.S_IFCHR:
		n.Kind, n.Dev = "char", fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	case unix.S_IFBLK:
		n.Kind, n.Dev = "block", fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	if err != nil {
		return node{}, err
	}
	if n.Kind != "dir" && st.Nlink > 1 {
		n.Same = inodes[st.Ino]
		if n.Same == "" {
			inodes[st.Ino] = rel
		}
	}
	n.Xattrs, err = xattrsOf(path)
	return n, err
}

func xattrsOf(path string) (map[string]string, error) {
	buf := make([]byte, 64<<10)
	size, err := unix.Llistxattr(path, buf)
	if errors.Is(err, syscall.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var attrs map[string]string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(buf[:size]), "\x00"), "\x00") {
		if name == "security.selinux" {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		if attrs == nil {
			attrs = map[string]string{}
		}
		attrs[name] = string(value[:n])
	}
	return attrs, nil
}

func mustManifest(t testing.TB, root string) map[string]node {
	t.Helper()
	nodes, err := manifest(root)
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// brief is a manifest for tables: without the root, owners, times and the
// attributes that only root may set.
func brief(nodes map[string]node) map[string]string {
	lines := map[string]string{}
	for path, n := range nodes {
		if path == "." {
			continue
		}
		line := n.Kind
		switch n.Kind {
		case "symlink":
			line += " " + n.Link
		case "char", "block":
			line += fmt.Sprintf(" %04o %s", n.Mode, n.Dev)
		default:
			line += fmt.Sprintf(" %04o", n.Mode)
		}
		if n.Kind == "file" {
			line += " " + n.Content
		}
		if n.Dev == "0:0" {
			line = "whiteout"
		}
		if n.Same != "" {
			line += " = " + n.Same
		}
		for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
			line += fmt.Sprintf(" %s=%q", name, n.Xattrs[name])
		}
		lines[path] = line
	}
	return lines
}

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// mounting is a detached mount and where it belongs. Mounts are made while the
// machine's files can be seen, and attached in the phase's root only: there no
// symbolic link can lead a mount out.
type mounting struct {
	tree   int // descriptor of the detached mount
	dir    bool
	target string
}

// Attributes of every mount that is not the root.
const (
	restricted = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	readOnly   = unix.MOUNT_ATTR_RDONLY
	noExec     = unix.MOUNT_ATTR_NOEXEC
	// noFollow makes the kernel refuse every symbolic link in a mount, where it can
	// (Linux 5.14). Own phases find in volumes what buildpacks have left.
	noFollow = unix.MOUNT_ATTR_NOSYMFOLLOW
)

// bind makes a detached copy of the mount at source, a file or directory of the
// machine, with everything mounted below it.
func bind(source, target string, attributes uint64) (mounting, error) {
	return bindAt(unix.AT_FDCWD, source, target, attributes)
}

// bindAt is bind for a path relative to an open directory, or for an open file
// where the path is empty.
func bindAt(dir int, source, target string, attributes uint64) (mounting, error) {
	// Mounts that came along from a more privileged namespace stay together,
	// so a copy has to be recursive.
	const flags = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE | unix.AT_EMPTY_PATH
	tree, err := unix.OpenTree(dir, source, flags)
	if err != nil {
		return mounting{}, fmt.Errorf("mount of %s: %w", target, &fs.PathError{Op: "open_tree", Path: source, Err: err})
	}
	m := mounting{tree: tree, target: target}
	var stat unix.Stat_t
	if err := unix.Fstat(tree, &stat); err != nil {
		return m, confine.Step(err, "mount of %s", target)
	}
	m.dir = stat.Mode&unix.S_IFMT == unix.S_IFDIR
	attr := unix.MountAttr{Attr_set: attributes}
	err = unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
	if errors.Is(err, unix.EINVAL) && attributes&noFollow != 0 { // an older kernel
		attr.Attr_set &^= noFollow
		err = unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
	}
	return m, confine.Step(err, "mount of %s: mount_setattr", target)
}

// bindIfPresent is bind for a source that some machines lack.
func bindIfPresent(source, target string, attributes uint64) ([]mounting, error) {
	m, err := bind(source, target, attributes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []mounting{m}, err
}

// fresh makes a detached mount of a new file system. Options are pairs of key
// and value.
func fresh(kind, target string, attributes int, options ...string) (mounting, error) {
	context, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return mounting{}, confine.Step(err, "new %s: fsopen", kind)
	}
	defer unix.Close(context)
	for i := 0; i+1 < len(options); i += 2 {
		if err := unix.FsconfigSetString(context, options[i], options[i+1]); err != nil {
			return mounting{}, confine.Step(err, "new %s: option %s", kind, options[i])
		}
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return mounting{}, confine.Step(err, "new %s: fsconfig", kind)
	}
	tree, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, attributes)
	if err != nil {
		return mounting{}, confine.Step(err, "new %s: fsmount", kind)
	}
	return mounting{tree: tree, dir: true, target: target}, nil
}

// attachAll attaches mounts in the root that this process is in, in the order
// given, and closes them.
func attachAll(mounts []mounting) error {
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/", Err: err}
	}
	defer unix.Close(root)
	for _, m := range mounts {
		if err := m.attach(root); err != nil {
			return confine.Step(err, "mount of %s", m.target)
		}
		if m.target == devDir {
			if err := fillDev(root); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m mounting) attach(root int) error {
	defer unix.Close(m.tree)
	target, err := makeTarget(root, filepath.Clean(m.target), m.dir)
	if err != nil {
		return err
	}
	defer unix.Close(target)
	return unix.MoveMount(m.tree, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

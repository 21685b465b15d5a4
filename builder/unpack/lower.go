package unpack

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// see remembers that the layer being applied has path, and so the directories
// on the way to it, for whiteouts that come later. Marked trees need none of
// that.
func (t *tree) see(path string) {
	if t.marks != noMarks {
		return
	}
	for path != "" && !t.seen[path] {
		t.seen[path] = true
		path, _ = splitLast(path)
	}
}

// removeLower removes what lower layers have under a name.
func (t *tree) removeLower(dir, base string) error {
	parent, err := t.targets.to(dir)
	if errors.Is(err, syscall.ENOENT) || isNotDir(err) {
		return nil // there is nothing to hide
	}
	if err != nil {
		return err
	}
	defer t.forget()
	return t.removeUnseen(parent, base, join(t.targets.path, base))
}

// removeLowerContent removes what lower layers have in a directory.
func (t *tree) removeLowerContent(dir string) error {
	fd, err := t.targets.to(dir)
	if errors.Is(err, syscall.ENOENT) || isNotDir(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.forget()
	return t.removeUnseenContent(fd, ".", t.targets.path)
}

// forget makes the walkers look anew at what a whiteout may have removed.
func (t *tree) forget() {
	t.parents.reset()
	t.targets.reset()
}

// removeUnseen removes an entry unless this layer has it, or else what it has
// in it from other layers.
func (t *tree) removeUnseen(parent int, base, full string) error {
	if t.keep.all(full) {
		return nil
	}
	if !t.seen[full] && !t.keep.some(full) {
		_, err := removeTree(parent, base)
		return err
	}
	var st unix.Stat_t
	err := unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return err
	}
	return t.removeUnseenContent(parent, base, full)
}

func (t *tree) removeUnseenContent(parent int, base, full string) error {
	names, fd, err := readDir(parent, base)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, name := range names {
		if err := t.removeUnseen(fd, name, join(full, name)); err != nil {
			return err
		}
	}
	return nil
}

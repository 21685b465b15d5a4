package unpack

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// link is a hard link as the archive names it.
type link struct{ name, target string }

// hardLink links base to another entry of the tree, at the end of the layer if
// that has not come yet.
func (t *tree) hardLink(parent int, base string, l link) error {
	err := t.tryLink(parent, base, l.target)
	if !errors.Is(err, syscall.ENOENT) {
		return err
	}
	t.pending = append(t.pending, l)
	return t.remove(parent, base)
}

func (t *tree) tryLink(parent int, base, target string) error {
	clean, err := clean(target)
	if err == nil && clean == "" {
		err = syscall.EISDIR
	}
	if err == nil {
		dir, last := splitLast(clean)
		err = t.replace(parent, base, func() error {
			fd, err := t.targets.to(dir)
			if err != nil {
				return err
			}
			if last == base && t.targets.path == t.parents.path {
				var st unix.Stat_t // a link to itself is fine if it exists
				return unix.Fstatat(fd, last, &st, unix.AT_SYMLINK_NOFOLLOW)
			}
			return unix.Linkat(fd, last, parent, base, 0)
		})
	}
	if err != nil {
		return fmt.Errorf("link to %s: %w", quote(target), err)
	}
	return nil
}

// linkPending makes the links whose targets came after them.
func (t *tree) linkPending(ctx context.Context) error {
	for len(t.pending) > 0 {
		var left []link
		var missing error
		for _, l := range t.pending {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := t.linkLate(l)
			if errors.Is(err, syscall.ENOENT) {
				left, missing = append(left, l), fmt.Errorf("entry %s: %w", quote(l.name), err)
			} else if err != nil {
				return fmt.Errorf("entry %s: %w", quote(l.name), err)
			}
		}
		if len(left) == len(t.pending) {
			return missing
		}
		t.pending = left
	}
	return nil
}

func (t *tree) linkLate(l link) error {
	dir, base := splitLast(l.name)
	parent, err := t.parents.to(dir)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return nil // a later entry took the name
	}
	return t.tryLink(parent, base, l.target)
}

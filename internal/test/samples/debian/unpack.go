package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// Unpack adds the files of packages to f, in the merged layout (/bin is
// /usr/bin, and so on). keep says of each path whether it is wanted; nil wants
// everything.
func (c Cache) Unpack(ctx context.Context, f *rootfs.FS, spool *rootfs.Spool, pkgs []Package, keep func(string) bool) error {
	for _, p := range pkgs {
		if err := c.unpack(ctx, f, spool, p, keep); err != nil {
			return fmt.Errorf("unpack %s: %w", p.File, err)
		}
	}
	return nil
}

func (c Cache) unpack(ctx context.Context, f *rootfs.FS, spool *rootfs.Spool, p Package, keep func(string) bool) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", c.path(p))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	unpackErr := spool.Unpack(f, stdout, func(name string) string {
		name = merged(name)
		if name == "" || keep != nil && !keep(name) {
			return ""
		}
		return name
	})
	// dpkg-deb pads its stream; it must not die of a closed pipe.
	_, drainErr := io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
		return errors.Join(unpackErr, err)
	}
	return errors.Join(unpackErr, drainErr)
}

// Merge adds the symbolic links of the merged layout: bin, sbin, lib and the
// like point into usr.
func Merge(f *rootfs.FS) {
	for _, dir := range mergedDirs() {
		if f.Has("usr/" + dir) {
			f.Symlink(dir, "usr/"+dir)
		}
	}
}

func mergedDirs() []string {
	return []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"}
}

// merged gives a path of a package its place in the merged layout. The
// top-level directories themselves, or links in their place, belong to Merge.
func merged(name string) string {
	for _, dir := range mergedDirs() {
		if name == dir {
			return ""
		}
		if strings.HasPrefix(name, dir+"/") {
			return "usr/" + name
		}
	}
	return name
}

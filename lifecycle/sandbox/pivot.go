package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// pivot makes the mount at dir the root of this mount namespace and detaches
// everything else.
func pivot(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	err := unix.PivotRoot(".", ".")
	if err == nil {
		// The old root now lies on top of the new one.
		err = unix.Unmount(".", unix.MNT_DETACH)
		return confine.Step(errors.Join(err, os.Chdir("/")), "leaving the old root")
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return confine.Step(err, "pivot_root")
	}
	// The root is an initramfs, or a container's seccomp filter forbids
	// pivot_root: cover the old root instead.
	if moveErr := unix.Mount(".", "/", "", unix.MS_MOVE, ""); moveErr != nil {
		return confine.Step(errors.Join(err, moveErr), "pivot_root and moving the root")
	}
	if err := unix.Chroot("."); err != nil {
		return confine.Step(err, "chroot")
	}
	return os.Chdir("/")
}

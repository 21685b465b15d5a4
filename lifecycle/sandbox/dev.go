package sandbox

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

const devDir = "/dev"

// devices are the machine's devices that a phase may use.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// devMounts makes /dev. The devices are the machine's own, because nobody can
// make devices in a user namespace.
func devMounts(id identity) ([]mounting, error) {
	dev, err := fresh("tmpfs", devDir, unix.MOUNT_ATTR_NOSUID|noExec, "mode", "0755", "size", "64k")
	if err != nil {
		return nil, err
	}
	options := []string{"ptmxmode", "0666", "mode", "0620"}
	if id.Kind == asRoot || id.Kind == asSubids {
		options = append(options, "gid", "5") // group tty, as everywhere
	}
	pts, err := fresh("devpts", "/dev/pts", unix.MOUNT_ATTR_NOSUID|noExec, options...)
	if err != nil {
		return nil, err
	}
	shm, err := fresh("tmpfs", "/dev/shm", restricted|noExec, "mode", "1777")
	if err != nil {
		return nil, err
	}
	mounts := []mounting{dev, pts, shm}
	for _, name := range devices {
		path := devDir + "/" + name
		// Read-only goes for the inode's attributes; the device can be written.
		device, err := bindIfPresent(path, path, unix.MOUNT_ATTR_NOSUID|noExec|readOnly)
		if err != nil {
			return nil, err
		}
		mounts = slices.Concat(mounts, device)
	}
	return mounts, nil
}

// fillDev makes the symbolic links of /dev, which has just been mounted.
func fillDev(root int) error {
	dev, err := makeDir(root, devDir)
	if err != nil {
		return err
	}
	defer unix.Close(dev)
	for _, link := range [][2]string{
		{"/proc/self/fd", "fd"},
		{"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"},
		{"/proc/self/fd/2", "stderr"},
		{"pts/ptmx", "ptmx"},
	} {
		if err := unix.Symlinkat(link[0], dev, link[1]); err != nil {
			return fmt.Errorf("creating %s/%s: %w", devDir, link[1], err)
		}
	}
	return nil
}

package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Directories of the stage, a tmpfs that only the phase's mount namespace has
// and that is out of sight after the pivot.
const (
	stageRoot  = "root"  // the root of the phase
	stageImage = "image" // the builder image, read-only
	stageUpper = "memory"
	stageEmpty = "empty"
)

// mountStage puts a tmpfs on t.Stage and makes it the working directory.
// Symbolic links 0, 1, … lead to the builder's layers: the options of an
// overlay have to fit into one page, and must not contain a colon or comma.
func mountStage(t *task) error {
	if err := unix.Mount("tmpfs", t.Stage, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700"); err != nil {
		return confine.Step(err, "mounting tmpfs on %s", t.Stage)
	}
	if err := os.Chdir(t.Stage); err != nil {
		return err
	}
	for _, dir := range []string{stageRoot, stageImage, stageUpper, stageEmpty} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for i, layer := range t.Layers {
		if err := os.Symlink(layer, strconv.Itoa(i)); err != nil {
			return err
		}
	}
	upper := t.Scratch
	if t.UpperInMemory {
		upper = stageUpper
		for _, dir := range []string{scratchUpper, scratchWork} {
			if err := os.Mkdir(filepath.Join(upper, dir), 0o755); err != nil {
				return err
			}
		}
	}
	for _, dir := range []string{scratchUpper, scratchWork} {
		if err := os.Symlink(filepath.Join(upper, dir), dir); err != nil {
			return err
		}
	}
	return nil
}

// mountLayers mounts an overlay of the first n layers of the stage on target:
// writable, the changes going to the scratch directory, or read-only.
func mountLayers(target string, n int, userXattr, writable bool) error {
	lower := make([]string, 0, n+1)
	for i := range n {
		lower = append(lower, strconv.Itoa(i))
	}
	slices.Reverse(lower) // an overlay names the uppermost first
	var options []string
	flags := uintptr(unix.MS_NODEV | unix.MS_NOSUID)
	if writable {
		// volatile: nobody reads the upper directory after a crash, so its
		// file system need not be synced when the overlay goes.
		options = append(options, "upperdir="+scratchUpper, "workdir="+scratchWork, "volatile")
	} else {
		lower = append(lower, stageEmpty) // at least two are required
		flags |= unix.MS_RDONLY
	}
	if len(lower) == 0 {
		lower = append(lower, stageEmpty)
	}
	if userXattr {
		options = append(options, "userxattr")
	}
	options = append(options, "lowerdir="+strings.Join(lower, ":"))
	return confine.Step(unix.Mount("overlay", target, "overlay", flags, strings.Join(options, ",")),
		"mounting an overlay of %d layers", n)
}

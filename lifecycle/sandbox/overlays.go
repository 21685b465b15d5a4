package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// support says what overlays can do with the file systems at hand.
type support struct {
	// Layers: the store's file system can hold layers with overlay marks. If
	// not, images have to be unpacked as one tree.
	Layers bool `json:"layers"`
	// Upper: a scratch directory can hold an overlay's changes. If not, memory
	// has to.
	Upper bool `json:"upper"`
}

// overlayProbe begins the names of directories in the store in which overlays are
// tried.
const overlayProbe = ".probe-"

// tryOverlays finds out by mounting some. An overlay file system, such as a
// container's root, can hold neither marks nor changes of another one.
func tryOverlays(t *task) (*support, error) {
	dir, err := os.MkdirTemp(t.Store, overlayProbe)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	lock, err := os.Open(dir) // says that it is in use, until this process ends
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, &os.PathError{Op: "lock", Path: dir, Err: err}
	}
	found := &support{
		Layers: tryLayers(dir, t.Identity.userNS()) == nil,
		Upper:  tryUpper(t.Scratch, t.Identity.userNS()) == nil,
	}
	if !found.Upper {
		memory := filepath.Join(t.Stage, stageUpper)
		for _, sub := range []string{scratchUpper, scratchWork} {
			if err := os.Mkdir(filepath.Join(memory, sub), 0o755); err != nil {
				return nil, err
			}
		}
		if err := tryUpper(memory, t.Identity.userNS()); err != nil {
			return nil, hint.With("the kernel must offer the overlay file system (modprobe overlay; in user namespaces Linux 5.11 or newer)",
				confine.Step(err, "overlay file system"))
		}
	}
	return found, nil
}

// tryLayers puts two layers into dir, the second of which hides a file and the
// content of a directory of the first, and looks at an overlay of the two.
func tryLayers(dir string, userXattr bool) error {
	low, high := filepath.Join(dir, "low"), filepath.Join(dir, "high")
	opaque := "trusted.overlay.opaque"
	if userXattr {
		opaque = "user.overlay.opaque"
	}
	err := errors.Join(
		os.MkdirAll(filepath.Join(low, "dir"), 0o755),
		os.MkdirAll(filepath.Join(high, "dir"), 0o755),
		os.WriteFile(filepath.Join(low, "file"), nil, 0o644),
		os.WriteFile(filepath.Join(low, "dir", "file"), nil, 0o644),
	)
	if err != nil {
		return err
	}
	if err := unix.Mknod(filepath.Join(high, "file"), unix.S_IFCHR, 0); err != nil {
		return err
	}
	if err := unix.Lsetxattr(filepath.Join(high, "dir"), opaque, []byte("y"), 0); err != nil {
		return err
	}
	return withOverlay(userXattr, []string{"lowerdir=" + links(high, low)}, func(merged string) error {
		for _, hidden := range []string{"file", "dir/file"} {
			if _, err := os.Lstat(filepath.Join(merged, hidden)); !errors.Is(err, os.ErrNotExist) {
				return errors.New("extended attributes of overlays do not work")
			}
		}
		return nil
	})
}

// tryUpper removes a file, and replaces a directory, of an overlay whose
// changes go to dir.
func tryUpper(dir string, userXattr bool) error {
	low := filepath.Join("lower", filepath.Base(dir))
	if err := errors.Join(
		os.MkdirAll(filepath.Join(low, "dir"), 0o755),
		os.WriteFile(filepath.Join(low, "file"), nil, 0o644),
	); err != nil {
		return err
	}
	options := []string{
		"upperdir=" + links(filepath.Join(dir, scratchUpper)),
		"workdir=" + links(filepath.Join(dir, scratchWork)),
		"lowerdir=" + low, "volatile",
	}
	return withOverlay(userXattr, options, func(merged string) error {
		return errors.Join(
			os.Remove(filepath.Join(merged, "file")),
			os.Remove(filepath.Join(merged, "dir")),
			os.Mkdir(filepath.Join(merged, "dir"), 0o755),
			os.WriteFile(filepath.Join(merged, "dir", "file"), nil, 0o644),
		)
	})
}

// withOverlay mounts an overlay for the time of look.
func withOverlay(userXattr bool, options []string, look func(merged string) error) error {
	if userXattr {
		options = append(options, "userxattr")
	}
	if err := unix.Mount("overlay", stageImage, "overlay", 0, strings.Join(options, ",")); err != nil {
		return err
	}
	return errors.Join(look(stageImage), unix.Unmount(stageImage, 0))
}

// links makes symbolic links to paths in the working directory and returns them
// as a list, in which no character of a path can be taken for a separator.
func links(paths ...string) string {
	var names []string
	for _, path := range paths {
		name := "try-" + strings.Map(func(r rune) rune {
			if strings.ContainsRune(`/:,\`, r) {
				return '-'
			}
			return r
		}, path)
		// Where the link exists already the mount says what is wrong.
		_ = os.Symlink(path, name)
		names = append(names, name)
	}
	return strings.Join(names, ":")
}

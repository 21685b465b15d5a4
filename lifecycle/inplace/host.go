package inplace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// host is what the engines know about this container.
type host struct {
	program  *os.File // sealed: what the engines' processes and own phases run
	abi      int      // of Landlock, 0 without
	noABI    error    // why there is none
	root     bool     // pack-cache is root
	dir      string   // of the place
	takeover bool
}

// probe looks around. Base names the directory that the place is made in, "" for
// the first that will do.
func probe(config Config, base string) (*host, error) {
	h := &host{root: os.Geteuid() == 0}
	if h.root {
		for capability, what := range map[int]string{unix.CAP_SETUID: "SETUID", unix.CAP_SETGID: "SETGID", unix.CAP_CHOWN: "CHOWN", unix.CAP_KILL: "KILL"} {
			if !confine.HasCapability(capability) {
				return nil, hint.Errorf("run the container as the build user of the builder (in Kubernetes runAsUser, in GitLab CI image:docker:user)",
					"root lacks CAP_%s here and so cannot start the build as another user", what)
			}
		}
	}
	h.abi, h.noABI = confine.LandlockABI()
	for _, dir := range []string{lifecycle.LayersDir, lifecycle.AppDir} {
		if err := usable(dir); err != nil {
			return nil, hint.With("give the container a directory "+dir+" that its user may write to, such as an emptyDir volume mounted there; the paths of the app image depend on it",
				err)
		}
	}
	base, err := chooseBase(base)
	if err != nil {
		return nil, err
	}
	h.dir = filepath.Join(base, "pack-cache-place")
	h.program, err = confine.SealedCopy(cmp.Or(config.Executable, "/proc/self/exe"))
	return h, err
}

// usable tells whether a directory is there, or can be made, and is writable.
func usable(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := unix.Access(filepath.Dir(dir), unix.W_OK|unix.X_OK); err != nil {
			return fmt.Errorf("there is no %s, and it cannot be made: %w", dir, err)
		}
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		// Paths in an app image are real ones.
		return fmt.Errorf("%s is not a directory", dir)
	}
	return writable(dir)
}

func writable(dir string) error {
	if err := unix.Access(dir, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: dir, Err: err}
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if stat.Flags&unix.ST_NOEXEC != 0 {
		return fmt.Errorf("%s is mounted noexec, so a build cannot run programs there", dir)
	}
	return nil
}

// tempDir is where programs expect to be able to write.
const tempDir = "/tmp"

// chooseBase finds a directory for the place, if possible not below /tmp, which
// phases write to.
func chooseBase(wanted string) (string, error) {
	if wanted != "" {
		return wanted, writable(wanted)
	}
	candidates := []string{"/var/tmp"}
	if temp := os.TempDir(); temp != tempDir {
		candidates = append([]string{temp}, candidates...)
	}
	if home, err := os.UserHomeDir(); err == nil && home != "/" {
		candidates = append(candidates, home)
	}
	var errs []error
	for _, dir := range append(candidates, tempDir) {
		dir, err := filepath.EvalSymlinks(dir)
		if err == nil {
			err = errors.Join(writable(dir), passable(dir))
		}
		if err == nil {
			return filepath.Abs(dir)
		}
		errs = append(errs, err)
	}
	return "", hint.Errorf("name one in TMPDIR, on a file system that is neither read-only nor noexec",
		"no directory for the build's files: %w", errors.Join(errs...))
}

// passable tells whether other users can get to what is in a directory.
func passable(dir string) error {
	for ; os.Geteuid() == 0; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&1 == 0 {
			err = fmt.Errorf("%s is closed to the build user", dir)
		}
		if err != nil || dir == "/" {
			return err
		}
	}
	return nil
}

// as returns whom phases of u run as: u if this is root, and otherwise the
// user that pack-cache runs as, who cannot become another one.
func (h *host) as(u lifecycle.User) lifecycle.User {
	if h.root {
		return u
	}
	return lifecycle.User{UID: os.Geteuid(), GID: os.Getegid()}
}

// facts are those of a container, where an engine is.
func (h *host) facts(where string) lifecycle.Facts {
	facts := lifecycle.Facts{
		How:   where + fmt.Sprintf(", confined with Landlock ABI %d: %s", h.abi, confine.LandlockScopes(h.abi)),
		Paths: h.paths(),
		NoNetwork: hint.Errorf("leave out --network none, or use another engine (--engine sandbox or docker)",
			"phases have the container's network: no other one can be made here"),
	}
	if h.abi == 0 {
		facts.How = where + fmt.Sprintf(", not confined: %v", h.noABI)
		facts.Untrusted = hint.Errorf("trust the builder if you do (--trust-builder, or `pack-cache config trusted-builders add BUILDER`), or use a kernel from 5.19 on with Landlock, or another engine (--engine sandbox or docker)",
			"%w, so an untrusted builder could read the credentials", h.noABI)
	}
	return facts
}

// ownerOf returns who owns a file.
func ownerOf(info fs.FileInfo) lifecycle.User {
	stat := info.Sys().(*syscall.Stat_t)
	return lifecycle.User{UID: int(stat.Uid), GID: int(stat.Gid)}
}

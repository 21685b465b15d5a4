package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// probeUser is whom the probe's phase runs as. Its ids are usual for builders.
var probeUser = lifecycle.User{UID: 1000, GID: 1000}

// probe finds the first of ids with which a process can be put into a root of
// its own, and what overlays can do here. Reasons say why no better ones are
// among them.
func (h *host) probe(ctx context.Context, ids []identity, reasons []string, report progress.Reporter) error {
	if err := checkExec(h.work); err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		found, err := h.try(ctx, id, report)
		if err == nil {
			h.identity, h.support = id, *found
			for _, reason := range reasons {
				report.Debug("sandbox: " + reason)
			}
			report.Debug(fmt.Sprintf("sandbox: ids %q, layers as overlay %t, changes on disk %t", id.Kind, found.Layers, found.Upper))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if confine.NoRoom(err) {
			return err // no other ids will do better
		}
		failures = append(failures, fmt.Errorf("ids %q: %w", id.Kind, err))
		reasons = append(reasons, fmt.Sprintf("ids %q do not work: %v", id.Kind, err))
	}
	return hint.Errorf(remedy(failures), "no sandbox can be made here: %w", errors.Join(failures...))
}

// checkExec makes sure that programs in volumes and in /tmp, such as a build
// tool's wrapper in the source, can be executed.
func checkExec(dir string) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	if stat.Flags&unix.ST_NOEXEC != 0 {
		return hint.Errorf("set TMPDIR to a directory on another file system", "%s is mounted noexec, so a build cannot run programs there", dir)
	}
	return nil
}

// try runs a phase of nothing with the given identity.
func (h *host) try(ctx context.Context, id identity, report progress.Reporter) (*support, error) {
	var made placeDir
	err := made.makeAs(probePrefix, h.work)
	dir := made.path
	if dir != "" {
		defer h.remove(context.WithoutCancel(ctx), id, probeUser, dir)
	}
	if err != nil {
		return nil, err
	}
	defer made.claim.Close()
	t := &task{
		Phase: lifecycle.Phase{
			Name: "probe", Root: lifecycle.OwnRoot, User: probeUser,
			Dir: "/", Network: lifecycle.NetworkHost,
		},
		Identity: id, Probe: true, Store: h.stores.writable(),
		Stage: filepath.Join(dir, dirStage), Scratch: dir,
	}
	if err := makeScratch(dir); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.Stage, 0o700); err != nil {
		return nil, err
	}
	var stderr strings.Builder
	found, err := h.run(ctx, t, lifecycle.Streams{Stderr: &stderr}, report)
	if err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		return nil, err
	}
	if found.Support == nil {
		return nil, errors.New("the probe gave no answer")
	}
	return found.Support, nil
}

// remedy reads from the machine's settings why namespaces do not work.
func remedy(failures []error) string {
	for _, failure := range slices.Backward(failures) {
		if way := hint.Of(failure); way != "" {
			return way
		}
	}
	switch {
	case older(5, 12):
		return "the sandbox needs Linux 5.12 or newer"
	case setting("/proc/sys/user/max_user_namespaces") == "0":
		return "user namespaces are switched off: sysctl user.max_user_namespaces=10000"
	case setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		return "user namespaces are switched off: sysctl kernel.unprivileged_userns_clone=1"
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor keeps ordinary users from user namespaces: load a profile with \"userns,\" for this program, or run it as root"
	case filtered():
		return "a seccomp filter, as containers have, forbids namespaces: allow them (seccomp=unconfined) or give CAP_SYS_ADMIN"
	}
	return "run it as root, or allow user namespaces"
}

// setting returns a kernel setting, "" where the kernel does not have it.
func setting(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// filtered tells whether this process runs under a seccomp filter.
func filtered() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err == nil && mode != 0
}

// older tells whether the kernel is older than the given release.
func older(major, minor int) bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	var a, b int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &a, &b); err != nil {
		return false
	}
	return a < major || a == major && b < minor
}

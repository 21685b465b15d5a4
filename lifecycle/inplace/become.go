package inplace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// become turns a starter into a phase. The order matters: each step takes away
// something that the ones before it need. It returns only when that failed.
func become() error {
	runtime.LockOSThread()
	var t task
	if err := json.NewDecoder(os.NewFile(orderFD, "task")).Decode(&t); err != nil {
		return fmt.Errorf("receiving the task: %w", err)
	}
	exe, argv := t.command()
	if t.Root {
		if err := confine.GiveStreams(t.User); err != nil {
			return err
		}
	}
	confine.DefaultSignals()
	if err := confine.DropPrivileges(t.User, t.Root); err != nil {
		return err
	}
	// After the change of user, which the kernel takes as a reason to forget it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return confine.Step(err, "parent death signal")
	}
	if err := unix.Chdir(path.Join("/", t.Phase.Dir)); err != nil {
		return confine.Step(err, "working directory %s", t.Phase.Dir)
	}
	if t.ABI > 0 {
		if err := confine.RestrictFiles(t.ABI, t.Rules); err != nil {
			return confine.Step(err, "landlock")
		}
	}
	if err := confine.RestrictCalls(t.Calls); err != nil {
		return confine.Step(err, "seccomp")
	}
	return confine.Step(t.explain(unix.Exec(exe, argv, t.Phase.Env)), "starting %s", argv[0])
}

// command returns what to execute and its arguments.
func (t *task) command() (exe string, argv []string) {
	if t.Phase.Root == lifecycle.OwnRoot {
		return fdPath(programFD), append([]string{"pack-cache"}, t.Phase.Args...)
	}
	return t.Phase.Args[0], t.Phase.Args
}

// explain tells the usual reason why a program cannot be started.
func (t *task) explain(err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case t.Phase.Root == lifecycle.OwnRoot:
		return hint.Errorf("pack-cache must be linked statically (CGO_ENABLED=0)", "%w (its loader)", err)
	case !path.IsAbs(t.Phase.Args[0]):
		return fmt.Errorf("%w (it has to be an absolute path in the builder)", err)
	}
	return hint.With("the builder image lacks it, or what it needs; check that the image is a complete builder", err)
}

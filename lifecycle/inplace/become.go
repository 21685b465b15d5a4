package inplace

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"runtime"

	"golang.org/x/sys/unix"

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
	return confine.Exec(t.Phase, programFD)
}

package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// runSetup assembles the root of a phase, enters it, drops every privilege and
// becomes the phase. It returns only when that failed, or after a probe.
func runSetup(c *control) error {
	if err := confine.Protect(); err != nil {
		return err
	}
	var t task
	if err := json.NewDecoder(os.NewFile(taskFD, "task")).Decode(&t); err != nil {
		return fmt.Errorf("receiving the task: %w", err)
	}
	unix.Umask(0o022)
	if t.Phase.Network == lifecycle.NetworkNone {
		if err := raiseLoopback(); err != nil {
			return confine.Step(err, "loopback")
		}
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return confine.Step(err, "host name")
	}
	if err := mountStage(&t); err != nil {
		return err
	}
	if t.Probe {
		found, err := tryOverlays(&t)
		if err != nil {
			return err
		}
		if err := c.Send(message{Result: &result{Support: found}}, nil); err != nil {
			return err
		}
	}
	if err := enterRoot(&t); err != nil {
		return err
	}
	return become(c, &t)
}

// hostname is one that resolves wherever there is a hosts file.
const hostname = "localhost"

// enterRoot makes t's root the only file system that this process, and init,
// can see, with all mounts in it.
func enterRoot(t *task) error {
	build := ownRoot
	if t.Phase.Root == lifecycle.BuilderRoot {
		build = builderRoot
	}
	root, mounts, err := build(t)
	if err != nil {
		return err
	}
	if err := pivot(root); err != nil {
		return err
	}
	return attachAll(mounts)
}

// become turns this process into the phase. The order matters: each step takes
// away something that the ones before it need.
func become(c *control, t *task) error {
	runtime.LockOSThread()
	if err := confine.GiveStreams(t.Phase.User); err != nil {
		return err
	}
	confine.DefaultSignals()
	if err := confine.DropPrivileges(t.Phase.User, t.Identity.canSetGroups()); err != nil {
		return err
	}
	if err := unix.Chdir(path.Join("/", t.Phase.Dir)); err != nil {
		return confine.Step(err, "working directory %s", t.Phase.Dir)
	}
	landlock, err := restrictFiles()
	if err != nil {
		return confine.Step(err, "landlock")
	}
	text := fmt.Sprintf("sandbox: %s runs with ids %q, seccomp, %s", t.Phase.Name, t.Identity.Kind, landlock)
	if err := c.Send(message{Note: &note{Level: levelDebug, Text: text}}, nil); err != nil {
		return err
	}
	if err := confine.RestrictCalls(confine.Calls{}); err != nil {
		return confine.Step(err, "seccomp")
	}
	if t.Probe {
		confine.Exit(0)
	}
	return confine.Exec(t.Phase, programFD)
}

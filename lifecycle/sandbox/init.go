package sandbox

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// exitLost is init's exit code when pack-cache is gone.
const exitLost = 128 + int(unix.SIGKILL)

// runInit is process 1 of a phase. It starts setup, which becomes the phase,
// and returns its exit code; the kernel then ends whatever is left in the
// process namespace. It keeps its capabilities: they put it out of the phase's
// reach even where both have the same id.
func runInit(c *control) (int, error) {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return 0, confine.Step(err, "parent death signal")
	}
	// The maps are written before the task is sent.
	m, _, err := c.Receive()
	if err != nil {
		return 0, fmt.Errorf("receiving the task: %w", err)
	}
	if m.Task == nil {
		return 0, errors.New("init got no task")
	}
	// From the exec on this process was dumpable, for the sake of the maps.
	if err := confine.Protect(); err != nil {
		return 0, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, confine.Step(err, "making mounts private")
	}
	pid, err := confine.HandOn(m.Task, []string{marker, setupProcess}, programFD, controlFD, programFD)
	if err != nil {
		return 0, confine.Step(err, "starting setup")
	}
	// Only the phase holds its streams from here on.
	for fd := range 3 {
		unix.Close(fd)
	}
	go obey(c)
	return confine.Reap(pid)
}

// obey does what pack-cache asks for until it is gone.
func obey(c *control) {
	for {
		m, _, err := c.Receive()
		if err != nil {
			confine.Exit(exitLost)
		}
		if m.Stop {
			// To everything in the namespace but init.
			_ = unix.Kill(-1, unix.SIGTERM)
		}
	}
}

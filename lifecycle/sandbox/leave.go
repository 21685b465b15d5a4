package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// leave lets a process of its own, which outlives this one, remove a directory of
// a place: on a machine that is thrown away, nobody has to wait for that. It
// reports whether it could. What such a process does not get done is an abandoned
// place like that of a build that was killed.
func (h *host) leave(dir *placeDir) bool {
	if h.identity.userNS() {
		return false // other ids' files, and directories that nobody may write to, can be removed in a namespace only
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer null.Close()
	cmd := &exec.Cmd{
		Path: confine.FDPath(programFD), Args: []string{marker, leaveProcess}, Env: []string{},
		Dir: dir.path, // is what it has to remove
		// It is claimed as long as the process has the file open.
		ExtraFiles: []*os.File{dir.claim, h.program},
		Stdin:      null, Stdout: null, Stderr: null,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if cmd.Start() != nil {
		return false
	}
	_ = cmd.Process.Release()
	return true
}

// runLeave removes the place that is the working directory, behind everybody else
// who has something to do.
func runLeave() {
	dir, err := os.Getwd()
	if err != nil || !strings.HasPrefix(filepath.Base(dir), placePrefix) || os.Chdir("/") != nil {
		return
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 19)
	_ = removal.Path(dir)
}

package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// marker is the name under which the engine starts its own processes; the
// argument after it says which.
const marker = "pack-cache-sandbox"

// What a process of the engine can be.
const (
	initProcess   = "init"
	setupProcess  = "setup"
	helperProcess = "helper"
	leaveProcess  = "leave"
)

// Descriptors of the engine's own processes.
const (
	controlFD = 3 // the socket to pack-cache
	programFD = 4 // the program that the engine's processes and own phases run
	taskFD    = 5 // setup: the task, as JSON
)

// Child does the work of the engine's own processes: in such a process it never
// returns. A program that uses the engine calls it first of all.
func Child() {
	if len(os.Args) != 2 || os.Args[0] != marker {
		return
	}
	if os.Args[1] == leaveProcess {
		runLeave()
		confine.Exit(0)
	}
	// Descriptors that pack-cache itself has inherited must not go further.
	if err := unix.CloseRange(controlFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox: close_range:", err)
		confine.Exit(1)
	}
	c, err := newControl(os.NewFile(controlFD, "control"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		confine.Exit(1)
	}
	var code int
	switch os.Args[1] {
	case initProcess:
		code, err = runInit(c)
	case setupProcess:
		err = runSetup(c)
	case helperProcess:
		err = runHelper(c)
	}
	if err != nil {
		// When nobody listens any more, nobody wants to know.
		_ = c.Send(message{Failure: confine.FailureOf(err)}, nil)
		confine.Exit(1)
	}
	confine.Exit(code)
}

//go:build linux

package inside

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread runs something on a thread that nothing else of this process ever runs
// on: it ends with work. It is never the first thread. The kernel takes that for the
// whole process: if it gave up rights together with a phase, the phase could do to
// this process what it may do to itself.
func onThread(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onThread(work) // elsewhere, because this thread is taken
			runtime.UnlockOSThread()
			return
		}
		work()
	}()
	<-done
}

//go:build linux

package inside

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestOnThread looks at many threads that may give up rights: none is the first one
// of the process.
func TestOnThread(t *testing.T) {
	for range 300 {
		onThread(func() {
			if unix.Gettid() == unix.Getpid() {
				t.Error("it is the first thread")
			}
		})
	}
}

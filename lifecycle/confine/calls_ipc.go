//go:build ppc64le || s390x

package confine

import "golang.org/x/sys/unix"

// operateSemaphores is the call that does all of what the others do, too.
const operateSemaphores = unix.SYS_IPC

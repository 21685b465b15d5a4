//go:build !ppc64le && !s390x

package confine

import "golang.org/x/sys/unix"

const operateSemaphores = unix.SYS_SEMOP

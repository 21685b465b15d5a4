//go:build unix

package posix

import "syscall"

// sysStat is what the standard library has in a FileInfo.
type sysStat = syscall.Stat_t

//go:build unix && !linux

package posix

import "errors"

// Futimens is not supported where no phases run.
func Futimens(int, []Timespec) error { return errors.ErrUnsupported }

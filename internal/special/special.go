// Package special names files that have no content which could be copied: named
// pipes, devices and sockets. Development servers leave them in source trees.
package special

import (
	"fmt"
	"io/fs"
	"strings"
)

// Kind says what a file is that has no content to be copied; "" for regular
// files, directories and symbolic links.
func Kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeIrregular != 0:
		return "no file that can be read"
	}
	return ""
}

// most is how many files are named.
const most = 10

// LeftOut are the special files of a tree that were left out. The zero value is
// none. It is not safe for concurrent use.
type LeftOut struct {
	named []string
	more  int
}

// Skip reports whether a file is special, and notes it then.
func (l *LeftOut) Skip(name string, mode fs.FileMode) bool {
	kind := Kind(mode)
	switch {
	case kind == "":
		return false
	case len(l.named) == most:
		l.more++
	default:
		l.named = append(l.named, fmt.Sprintf("%q (%s)", name, kind))
	}
	return true
}

// String lists the files, for one line; "" if there are none.
func (l *LeftOut) String() string {
	text := strings.Join(l.named, ", ")
	if l.more > 0 {
		text += fmt.Sprintf(" and %d more", l.more)
	}
	return text
}

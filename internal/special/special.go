// Package special names files of a tree that are not copied as they are. Most have no
// content which could be copied: named pipes, devices and sockets, which development
// servers leave in source trees.
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
		return "not a readable file"
	}
	return ""
}

// most is how many files are named.
const most = 10

// List names files, each with what there is about it. The zero value is empty. It is
// not safe for concurrent use.
type List struct {
	named []string
	more  int
}

// Add adds a file.
func (l *List) Add(name, about string) {
	if len(l.named) == most {
		l.more++
		return
	}
	l.named = append(l.named, fmt.Sprintf("%q (%s)", name, about))
}

// String lists the files, for one line; "" if there are none.
func (l *List) String() string {
	text := strings.Join(l.named, ", ")
	if l.more > 0 {
		text += fmt.Sprintf(" and %d more", l.more)
	}
	return text
}

// LeftOut are the special files of a tree that were left out. The zero value is
// none. It is not safe for concurrent use.
type LeftOut struct{ List }

// Skip reports whether a file is special, and notes it then.
func (l *LeftOut) Skip(name string, mode fs.FileMode) bool {
	kind := Kind(mode)
	if kind != "" {
		l.Add(name, kind)
	}
	return kind != ""
}

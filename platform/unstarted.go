package platform

import (
	"bytes"
	"fmt"
	"io"
	"regexp"

	"github.com/pack-cache/pack-cache/builder/extra"
)

// startWatch finds in the log of the builder's detector or builder why it could not
// start a buildpack's program. Nothing else tells: the phase's exit code says no more
// than that a buildpack failed.
type startWatch struct {
	io.WriteCloser
	// way is the way out, "" if nothing was found.
	way  string
	line []byte // what has come of a line
}

// longestLine is how much of a line is looked at.
const longestLine = 4 << 10

// Write implements io.Writer.
func (w *startWatch) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, line[:min(len(line), longestLine-len(w.line))]...)
		if whole {
			w.look()
		}
		rest = after
	}
	return w.WriteCloser.Write(p)
}

// Close implements io.Closer.
func (w *startWatch) Close() error {
	w.look()
	return w.WriteCloser.Close()
}

// look ends a line. Of several failures, the first has the most to do with the end
// of the phase.
func (w *startWatch) look() {
	if w.way == "" {
		w.way = unstarted(w.line)
	}
	w.line = w.line[:0]
}

var (
	// notStarted is how Go's os/exec, and so the lifecycle, says it.
	notStarted = regexp.MustCompile(`fork/exec (/[!-~]{1,300}/bin/(?:detect|build|generate)): (no such file or directory|permission denied|exec format error)`)
	// crSaid is how shells and env(1) name programs whose name ends in a carriage
	// return, as it is or in their quotes.
	crSaid = regexp.MustCompile(`(?:\r|\\r|\^M)['’"]{0,2}: (?:[a-z ]*not found|[Nn]o such file or directory|bad interpreter)`)
)

// windowsLines is what becomes of scripts with Windows line ends, and the way out.
const windowsLines = "Windows line ends (CRLF), with which no program of that name is found: " + extra.ConvertLines

// unstarted says what can be done about what a line of a log says, "" for most lines.
func unstarted(line []byte) string {
	if crSaid.Match(line) {
		return "a script of a buildpack has " + windowsLines
	}
	found := notStarted.FindSubmatch(line)
	if found == nil {
		return ""
	}
	switch file := found[1]; string(found[2]) {
	case "permission denied":
		return fmt.Sprintf("%s may not be executed: it has to be a file with mode 0755", file)
	case "exec format error":
		return fmt.Sprintf("%s is neither a program for the builder's processor nor a script: those begin with a line such as #!/bin/sh, without a byte order mark", file)
	default:
		return fmt.Sprintf("%s is not there, or its first line names a program that the builder does not have, or it has %s", file, windowsLines)
	}
}

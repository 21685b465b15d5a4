// Package iostreams holds the standard streams of a command, so that a command
// is given them and a test can look at them.
//
// What this package is not for: how a build reports its progress.
package iostreams

import (
	"bytes"
	"io"
	"os"

	"github.com/mattn/go-isatty"
)

// Streams are the standard streams. The result of a command goes to Out,
// everything else to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	color bool
}

// System returns the process's own streams.
func System() *Streams {
	return &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		color: wantsColor(os.Getenv, func() bool { return isatty.IsTerminal(os.Stderr.Fd()) }),
	}
}

// Test returns streams for a test: an empty In, and what was written to Out and
// Err. They have no color.
func Test() (streams *Streams, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	return &Streams{In: &bytes.Buffer{}, Out: out, Err: err}, out, err
}

// Color says whether what is written to Err may have color: it is a terminal,
// unless NO_COLOR (https://no-color.org), TERM=dumb or CLICOLOR_FORCE say
// otherwise.
func (s *Streams) Color() bool { return s.color }

func wantsColor(getenv func(string) string, isTerminal func() bool) bool {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case getenv("TERM") == "dumb":
		return false
	}
	return isTerminal()
}

// Package progress carries what a build reports to what shows it.
//
// Domain code knows the Reporter alone; only the command line knows terminals
// and JSON, and it chooses once.
package progress

import "io"

// Reporter receives messages for the user. Implementations are safe for
// concurrent use. Messages carry no trailing newline and no secrets.
type Reporter interface {
	// Step announces a step of the build, such as "ANALYZING".
	Step(name string)
	Info(message string)
	Warn(message string)
	// Hint says what can be done about the warning before it.
	Hint(message string)
	Debug(message string)
	// Output returns a writer for the raw output of the named phase. Closing
	// it flushes an unfinished line.
	Output(phase string) io.WriteCloser
}

// Discard is a Reporter that throws everything away.
var Discard Reporter = discard{}

type discard struct{}

func (discard) Step(string)  {}
func (discard) Info(string)  {}
func (discard) Warn(string)  {}
func (discard) Hint(string)  {}
func (discard) Debug(string) {}
func (discard) Output(string) io.WriteCloser {
	return nopCloser{io.Discard}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

package sandbox

import "github.com/pack-cache/pack-cache/internal/progress"

// Levels of a note.
const (
	levelStep  = "step"
	levelInfo  = "info"
	levelWarn  = "warn"
	levelHint  = "hint"
	levelDebug = "debug"
)

// tell passes the note on.
func (n *note) tell(report progress.Reporter) {
	switch n.Level {
	case levelStep:
		report.Step(n.Text)
	case levelInfo:
		report.Info(n.Text)
	case levelWarn:
		report.Warn(n.Text)
	case levelHint:
		report.Hint(n.Text)
	default:
		report.Debug(n.Text)
	}
}

// noteReporter is a progress.Reporter that sends notes to pack-cache. A note
// that cannot be sent is lost together with whoever would have read it.
type noteReporter struct {
	progress.Reporter // for Output, which helpers have none of
	control           *control
}

func (r noteReporter) send(level, text string) {
	_ = r.control.Send(message{Note: &note{Level: level, Text: text}}, nil)
}

func (r noteReporter) Step(name string)     { r.send(levelStep, name) }
func (r noteReporter) Info(message string)  { r.send(levelInfo, message) }
func (r noteReporter) Warn(message string)  { r.send(levelWarn, message) }
func (r noteReporter) Hint(message string)  { r.send(levelHint, message) }
func (r noteReporter) Debug(message string) { r.send(levelDebug, message) }

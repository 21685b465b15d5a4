package blob

import (
	"sync/atomic"
	"time"
)

// gauge decides how many connections a blob is read through.
type gauge struct {
	connections int
	// arrived counts bytes, waited the time in which the reader had none.
	arrived atomic.Int64
	waited  time.Duration

	began time.Time
	// bytes is arrived when the window began.
	bytes int64
	// before is the rate with half as many connections, in bytes per second.
	before float64
	// settled is until when more connections are not tried again after they did
	// not help, patience for how long that is the next time: others may leave the
	// link.
	settled  time.Time
	patience time.Duration
}

// firstPatience is the patience after the first time that more connections did not
// help. It doubles each time.
const firstPatience = time.Second

// worthwhile is how much faster twice as many connections have to be to be kept.
const worthwhile = 1.15

// start begins a window.
func (g *gauge) start() {
	g.began, g.bytes, g.waited = time.Now(), g.arrived.Load(), 0
}

// conclude looks at the window so far, and sets the number of connections for
// the next one if it is long enough.
func (g *gauge) conclude() {
	elapsed := time.Since(g.began)
	got := g.arrived.Load() - g.bytes
	if elapsed < minWindow || got < int64(g.connections)*rangeSize {
		return
	}
	rate := float64(got) / elapsed.Seconds()
	idle := g.waited < elapsed/2 // more than half the time, it is the reader that is slow
	defer g.start()
	switch {
	case g.before > 0 && rate < worthwhile*g.before:
		g.connections /= 2
		g.before = 0
		g.patience = max(firstPatience, 2*g.patience)
		g.settled = time.Now().Add(g.patience)
	case idle || g.connections == maxConnections || time.Now().Before(g.settled):
		g.before = 0
	default:
		g.before = rate
		g.connections *= 2
	}
}

//go:build linux

package inside

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// lostGrace is how long a phase may go on after SIGTERM when pack-cache is gone.
const lostGrace = 2 * time.Second

// wire is what follows an order on standard input, for a phase that has started.
type wire struct {
	ended chan struct{} // closed when the phase has ended; nil without one
	heard chan struct{} // closed when the other side has heard everything
}

func (w *wire) start() { w.ended, w.heard = make(chan struct{}), make(chan struct{}) }

// follow passes standard input on until goodbye. It ends this process when
// pack-cache is gone.
func (w *wire) follow(feed *os.File) {
	buffer := make([]byte, maxFrame)
	for {
		frame, err := readFrame(os.Stdin, buffer)
		if err != nil {
			select {
			case <-w.ended:
				close(w.heard)
				return
			default:
			}
			_ = unix.Kill(-1, unix.SIGTERM)
			time.Sleep(lostGrace)
			confine.Exit(128 + int(unix.SIGKILL))
		}
		switch {
		case feed == nil:
		case len(frame) == 0:
			feed.Close()
			feed = nil
		default:
			// A phase need not read to the end.
			_, _ = feed.Write(frame)
		}
	}
}

// untilGoodbye returns what is closed when the other side has heard everything.
func (w *wire) untilGoodbye() <-chan struct{} {
	if w.ended != nil {
		return w.heard
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		buffer := make([]byte, maxFrame)
		for {
			if _, err := readFrame(os.Stdin, buffer); err != nil {
				return
			}
		}
	}()
	return heard
}

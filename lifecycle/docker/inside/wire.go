//go:build linux

package inside

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// lostGrace is how long a phase may go on after SIGTERM when pack-cache is gone.
const lostGrace = 2 * time.Second

// wire is what follows an order on standard input.
type wire struct {
	ended chan struct{} // closed when the order has been carried out
	heard chan struct{} // closed when the other side has heard everything
	read  bool          // somebody follows it
}

func newWire() *wire { return &wire{ended: make(chan struct{}), heard: make(chan struct{})} }

// follow passes standard input on to feed, which may be nil, until goodbye. It ends
// this process when pack-cache is gone before the order has been carried out.
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

// drain reads standard input until the other side hangs up. An import that failed
// has left it in the middle of a frame.
func (w *wire) drain() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(w.heard)
}

//go:build linux

package inside

import (
	"os"
	"time"
)

// patience is how long a process waits for the other side to have heard it. A
// loaded machine can take long. Nobody waits for this when the other side is
// gone: standard input ends then.
const patience = time.Minute

// linger keeps this process until the other side has all that it wrote: when a
// process ends, a busy daemon may drop what it has not passed on yet. The other
// side says goodbye, or hangs up, when it has everything.
func (o *Order) linger(w *wire) {
	switch {
	case o.Attend != nil:
		return
	case o.Import != nil, o.Export != nil:
		go w.drain()
	default:
		close(w.ended) // before the marks, which goodbye answers
		if !w.read {
			go w.follow(nil)
		}
		o.mark()
	}
	select {
	case <-w.heard:
	case <-time.After(patience):
	}
}

// mark says on both streams that nothing follows. When nobody listens any more,
// nobody waits for it.
func (o *Order) mark() {
	_, _ = os.Stdout.Write(markOf(o.Secret))
	_, _ = os.Stderr.Write(markOf(o.Secret))
}

package web

import (
	"context"
	"fmt"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	// look is how often a standstill is looked at, and notice how long one has to
	// last until the user is told.
	look   = 2 * time.Second
	notice = 5 * time.Second
	// workRate is how many bytes a server handles in a second that has to copy or
	// read again what it has got before it can answer.
	workRate = 64 << 20
)

type workKey struct{}

// WithWork says that the requests of a context make the server handle that many
// bytes once more before it answers, such as the end of a large upload. It may be
// silent for longer then.
func WithWork(ctx context.Context, bytes int64) context.Context {
	return context.WithValue(ctx, workKey{}, bytes)
}

// work is how much longer a server may be silent.
func work(ctx context.Context) time.Duration {
	bytes, _ := ctx.Value(workKey{}).(int64)
	return time.Duration(float64(bytes) / workRate * float64(time.Second))
}

// watch ends an attempt in which nothing moves although it is the other side's
// turn. It is safe for concurrent use.
type watch struct {
	budget *Budget
	what   string
	extra  time.Duration
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	// last is when something moved, less the time in which it was not the other
	// side's turn; rested is since when that is so, zero while it is not.
	last, rested time.Time
	moved        int
	conn         net.Conn
	unsent       int
}

func newWatch(b *Budget, what string, extra time.Duration, cancel context.CancelCauseFunc) *watch {
	now := time.Now()
	return &watch{budget: b, what: what, extra: extra, cancel: cancel, last: now, rested: now}
}

// connected remembers the connection.
func (w *watch) connected(info httptrace.GotConnInfo) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = info.Conn
}

// arm says that it is the other side's turn.
func (w *watch) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rested.IsZero() {
		return
	}
	now := time.Now()
	w.last = w.last.Add(now.Sub(w.rested))
	w.rested = time.Time{}
	// Drops that come now and then are no progress, and do not put this off.
	next := max(0, min(look, w.budget.rule.Idle+w.extra-now.Sub(w.last)))
	if w.timer == nil {
		w.timer = time.AfterFunc(next, w.look)
	} else {
		w.timer.Reset(next)
	}
}

// rest says that it is no longer the other side's turn, and how many bytes have
// moved.
func (w *watch) rest(moved int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.moved += moved; w.moved >= leastMoved {
		w.last, w.moved = now, 0
	}
	w.budget.news.moved.Add(int64(moved))
	if w.rested.IsZero() {
		w.rested = now
		w.timer.Stop()
	}
}

// since is when something moved last.
func (w *watch) since() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.rested.IsZero() {
		return w.last.Add(time.Since(w.rested))
	}
	return w.last
}

// look looks whether something has moved.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.rested.IsZero() {
		return
	}
	// What the system has taken from us may still be on its way.
	if unsent := unsent(w.conn); unsent < w.unsent {
		w.last, w.unsent = time.Now(), unsent
	} else {
		w.unsent = unsent
	}
	silent, limit := time.Since(w.last), w.budget.idle()+w.extra
	if silent >= limit {
		w.cancel(&Stalled{w.what, silent})
		return
	}
	if silent >= notice {
		w.budget.news.say(fmt.Sprintf("still waiting for %s (%s without data)", w.what, silent.Round(time.Second)))
	}
	w.timer.Reset(min(look, limit-silent))
}

package web

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Budget is how long requests may wait together: the requests of one import, of
// one export, or of everything else that belongs together. It is safe for
// concurrent use.
//
// It is a stopwatch that runs while at least one request waits. When it reaches
// Rule.Wait, all requests end, and no other begins.
type Budget struct {
	rule Rule
	news *news
	// over ends when the budget is used up, with the reason as its cause.
	over context.Context
	end  context.CancelCauseFunc

	mu sync.Mutex
	// spent is up to date as of settled.
	spent   time.Duration
	settled time.Time
	// waiting requests keep the stopwatch running, since began. Without any, all
	// time before counted is accounted for.
	waiting        int
	began, counted time.Time
	timer          *time.Timer
	trouble        error
}

// NewBudget returns a budget for a rule. label names what is waited for, such as
// "cache registry.example.com/cache"; say, if not nil, gets lines for the user.
func NewBudget(rule Rule, label string, say func(line string)) *Budget {
	b := &Budget{rule: rule.filled(), news: newNews(label, say), settled: time.Now()}
	b.over, b.end = context.WithCancelCause(context.Background())
	return b
}

// Left is how much may still be waited.
func (b *Budget) Left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	return max(0, b.rule.Wait-b.spent)
}

// Err is why no more requests are made, nil as long as they are: an error that
// wraps ErrGaveUp.
func (b *Budget) Err() error {
	if b.over.Err() == nil {
		return nil
	}
	return context.Cause(b.over)
}

// idle is how long a request may stand still now.
func (b *Budget) idle() time.Duration {
	return min(b.rule.Idle, max(b.Left(), leastIdle))
}

// settle brings spent up to date.
func (b *Budget) settle() {
	now := time.Now()
	passed := now.Sub(b.settled)
	b.settled = now
	if b.waiting > 0 {
		b.spent += passed
	} else {
		b.spent = max(0, b.spent-passed/earned)
	}
}

// wait starts the stopwatch for one more request, until resume.
func (b *Budget) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if b.waiting++; b.waiting == 1 {
		b.began = b.settled
	}
	b.watch()
}

// resume says that a request waits no longer.
func (b *Budget) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if b.waiting--; b.waiting == 0 {
		b.counted = b.settled
		b.timer.Stop()
	}
}

// lost counts the time since a request moved last as waiting. It is called when
// the request has failed: before that, nobody knows that the time was lost.
func (b *Budget) lost(since time.Time, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	b.trouble = why
	until := b.settled
	if b.waiting > 0 {
		until = b.began
	}
	if b.counted.After(since) {
		since = b.counted
	}
	b.spent += max(0, until.Sub(since))
	b.counted = until
	b.watch()
}

// watch sees to it that the budget ends in time.
func (b *Budget) watch() {
	left := b.rule.Wait - b.spent
	switch {
	case left <= 0:
		b.end(&GaveUp{Reason: fmt.Sprintf("waited %s in all, which is as long as this may take", b.rule.Wait), Cause: b.trouble})
	case b.waiting == 0:
	case b.timer == nil:
		b.timer = time.AfterFunc(left, b.check)
	default:
		b.timer.Reset(left)
	}
}

func (b *Budget) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	b.watch()
}

// note remembers what is waited for because of err.
func (b *Budget) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = err
}

package phases

import (
	"context"
	"fmt"
	"time"
)

// deadline returns a context that ends with ctx or when timeout is over; 0 is no
// timeout.
func deadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, overdue(timeout))
}

func overdue(timeout time.Duration) error { return fmt.Errorf("its timeout of %s is over", timeout) }

// late returns why inner, a context made from outer, has ended if outer has not;
// otherwise err.
func late(outer, inner context.Context, err error) error {
	if err != nil && outer.Err() == nil && inner.Err() != nil {
		return context.Cause(inner)
	}
	return err
}

// pausable is deadline for something that may have to wait for something else,
// which pause is called with. That time is not counted. Pauses must not overlap.
func pausable(ctx context.Context, timeout time.Duration) (inner context.Context, pause func(wait func(context.Context) error) error, cancel context.CancelFunc) {
	inner, end := context.WithCancelCause(ctx)
	if timeout == 0 {
		return inner, func(wait func(context.Context) error) error { return wait(inner) }, func() { end(nil) }
	}
	until := time.Now().Add(timeout)
	timer := time.AfterFunc(timeout, func() { end(overdue(timeout)) })
	pause = func(wait func(context.Context) error) error {
		if timer.Stop() {
			began := time.Now()
			defer func() {
				until = until.Add(time.Since(began))
				timer.Reset(time.Until(until))
			}()
		}
		return wait(inner)
	}
	return inner, pause, func() {
		timer.Stop()
		end(nil)
	}
}

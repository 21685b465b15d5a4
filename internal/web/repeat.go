package web

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// try is one attempt. It reports whether to try again, after how long at least,
// and what went wrong.
type try func(attempt int) (again bool, after time.Duration, why error)

// repeat makes attempts until one need not be repeated. Otherwise the error is a
// *GaveUp without a cause, that of the budget, or the context's. All time after
// the first failure is waiting.
func (b *Budget) repeat(ctx context.Context, rule Rule, one try) error {
	pause := rule.First
	for attempt := 1; ; attempt++ {
		if err := b.Err(); err != nil {
			return err
		}
		again, after, why := one(attempt)
		if !again {
			return nil
		}
		b.note(why)
		if attempt == 1 {
			b.wait()
			defer b.resume()
		}
		if attempt == rule.Attempts {
			return &GaveUp{Reason: fmt.Sprintf("tried %d times", attempt)}
		}
		if left := b.Left(); after > left {
			return &GaveUp{Reason: fmt.Sprintf("it asks for a pause of %s, and this may wait %s",
				after.Round(time.Second), left.Round(100*time.Millisecond))}
		}
		wait := max(pause/2+rand.N(pause), after)
		pause *= 2
		if wait >= time.Second {
			b.news.say(fmt.Sprintf("%v; trying again in %s", why, wait.Round(time.Second)))
		}
		if err := b.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// sleep waits, as long as the context and the budget last.
func (b *Budget) sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-b.over.Done():
		return b.Err()
	}
}

// Pause waits before the given repeat, counted from 1, of what a caller repeats
// itself. The error is that of the context, or of its budget.
func (r Rule) Pause(ctx context.Context, repeat int) error {
	b := Of(ctx)
	if b == nil {
		b = NewBudget(r, "", nil)
	}
	b.wait()
	defer b.resume()
	return b.sleep(ctx, r.Or(b.rule).First<<(repeat-1))
}

// Do repeats what only its caller can, such as a request whose body can be read
// once only, until try says that it need not be repeated; the error is that of
// try. When Do gives up, the error is a *GaveUp with that as its cause. The budget
// is that of the context.
func (r Rule) Do(ctx context.Context, try func() (again bool, err error)) error {
	b := Of(ctx)
	if b == nil {
		b = NewBudget(r, "", nil)
	}
	var last error
	err := b.repeat(ctx, r.Or(b.rule), func(int) (bool, time.Duration, error) {
		var again bool
		again, last = try()
		return again && ctx.Err() == nil, 0, last
	})
	switch gave, ok := err.(*GaveUp); { //nolint:errorlint // it is not wrapped here
	case ok && gave.Cause == nil && last != nil:
		return &GaveUp{gave.Reason, last}
	case err != nil:
		return err
	}
	return last
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds or a date.
func retryAfter(h http.Header) time.Duration {
	const most = 24 * time.Hour
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(most/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), most)
	}
	return 0
}

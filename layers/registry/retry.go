package registry

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// backoff is how often and after what pauses a request is repeated.
type backoff struct {
	attempts int
	// first is the pause after the first failure; each further one is twice as
	// long. longest bounds what a registry may ask for in Retry-After.
	first, longest time.Duration
}

var defaultBackoff = backoff{attempts: 5, first: 250 * time.Millisecond, longest: 30 * time.Second}

// retry is what one attempt came to.
type retry struct {
	again bool
	// answer is the registry's answer, if there was one. It is closed before
	// the next attempt.
	answer *http.Response
}

// run calls try until it need not be repeated, the attempts are used up or the
// context ends; it returns what try returned last, or the context's error.
func (b backoff) run(ctx context.Context, try func() (retry, error)) error {
	pause := b.first
	for attempt := 1; ; attempt++ {
		r, err := try()
		if !r.again || attempt == b.attempts {
			return err
		}
		wait := pause/2 + rand.N(pause)
		pause *= 2
		if r.answer != nil {
			wait = max(wait, min(retryAfter(r.answer.Header, time.Now()), b.longest))
			drop(r.answer)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// drop closes an answer after reading what little there is, so that its
// connection can be used again.
func drop(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}

// retryAfter reads RFC 9110 section 10.2.3: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// temporary says whether a status may be another one the next time.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayRetry says whether a request that got no answer is worth repeating.
func mayRetry(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.status == 0 || temporary(f.status)
	}
	return true
}

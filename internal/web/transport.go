package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Transport applies the rule to the requests of another transport. It is safe for
// concurrent use. A request whose body cannot be read again (GetBody is nil) is
// not repeated, nor is one that appends to something.
//
// When it gives up after answers that were temporary failures, it returns the last
// one, and Reason says why.
type Transport struct {
	Inner http.RoundTripper
	// Budget is for requests whose context has none; if it is nil, too, each
	// request has one by Rule.
	Budget *Budget
	// Rule says how often requests are tried, if it says so.
	Rule Rule
	// Whole is up to how many bytes the whole answer to a GET is read before it is
	// returned, so that one that breaks off is tried again, too. It is for callers
	// who cannot go on where an answer broke off; 0 is for the others.
	Whole int64

	// answered are the hosts that have answered before. Nobody listening at
	// another one most often means a wrong name.
	answered sync.Map
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if g := GreetingsOf(req.Context()); g != nil && greets(req) {
		return g.greet(req, func() (*http.Response, error) { return t.roundTrip(req) })
	}
	return t.roundTrip(req)
}

func (t *Transport) roundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	b := Of(ctx)
	if b == nil {
		b = t.Budget
	}
	if b == nil {
		b = NewBudget(t.Rule, "", nil)
	}
	hasBody := req.Body != nil && req.Body != http.NoBody
	if redirects(req) > maxRedirects {
		if hasBody {
			req.Body.Close()
		}
		return nil, fmt.Errorf("%s %w", describe(req), ErrCircle)
	}
	replay := !hasBody || req.GetBody != nil && !appends(req)
	var (
		last   *attempt
		resp   *http.Response
		failed error
	)
	err := b.repeat(ctx, t.Rule.Or(b.rule), func(n int) (bool, time.Duration, error) {
		if resp != nil {
			Drop(resp)
			resp = nil
		}
		last, resp, failed = t.once(req, b, last)
		if failed != nil {
			again := replay && ctx.Err() == nil && Transient(failed)
			if _, known := t.answered.Load(req.URL.Host); refused(failed) && !known {
				again = false
			}
			return again, 0, failed
		}
		t.answered.Store(req.URL.Host, true)
		if !Temporary(resp.StatusCode) {
			return false, 0, nil
		}
		why := fmt.Errorf("%s answered %d %s", describe(req), resp.StatusCode, http.StatusText(resp.StatusCode))
		b.lost(last.watch.since(), why)
		return replay, retryAfter(resp.Header), why
	})
	if last == nil && hasBody {
		req.Body.Close() // nobody else will
	}
	switch gave, ok := errors.AsType[*GaveUp](err); {
	case err == nil:
		return resp, failed
	case ctx.Err() != nil:
		if resp != nil {
			resp.Body.Close()
		}
		return nil, ctx.Err()
	case resp != nil && ok:
		b.news.say(fmt.Sprintf("%s answered %d %s: %s", describe(req), resp.StatusCode, http.StatusText(resp.StatusCode), gave.Reason))
		resp.Body.(*download).reason = gave.Reason
		return resp, nil
	case failed != nil && ok && gave.Cause == nil:
		return nil, &GaveUp{gave.Reason, failed}
	}
	return nil, err
}

// maxRedirects is how many redirects are followed, one after the other. Not every
// client counts them.
const maxRedirects = 10

// ErrCircle says that a request was redirected and redirected again.
var ErrCircle = fmt.Errorf("is redirected more than %d times", maxRedirects)

// redirects is how many redirects have led to a request.
func redirects(req *http.Request) (n int) {
	for ; req != nil && req.Response != nil; req = req.Response.Request {
		n++
	}
	return n
}

// appends reports whether a request must not be made twice: what its first attempt
// has sent may be there.
func appends(req *http.Request) bool {
	return req.Method == http.MethodPatch && req.Header.Get("Content-Range") == ""
}

// Reason says why a Transport gave up and returned this answer; "" if it did not.
func Reason(resp *http.Response) string {
	if d, ok := resp.Body.(*download); ok {
		return d.reason
	}
	return ""
}

// CloseIdleConnections closes connections that are not in use.
func (t *Transport) CloseIdleConnections() {
	if closer, ok := t.Inner.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// attempt is one try of a request, until its answer has been read.
type attempt struct {
	asked  context.Context // that of the request
	ctx    context.Context
	cancel context.CancelCauseFunc
	budget *Budget
	watch  *watch
	// sent is the body on its way, nil if there is none.
	sent *upload
	once sync.Once
	free func() bool
}

// once sends the request. before is the attempt before this one, nil for none.
func (t *Transport) once(req *http.Request, b *Budget, before *attempt) (*attempt, *http.Response, error) {
	a := &attempt{asked: req.Context(), budget: b}
	a.ctx, a.cancel = context.WithCancelCause(a.asked)
	a.free = context.AfterFunc(b.over, func() { a.cancel(b.Err()) })
	a.watch = newWatch(b, describe(req), work(a.asked), a.cancel)
	out := req.Clone(httptrace.WithClientTrace(a.ctx, &httptrace.ClientTrace{GotConn: a.watch.connected}))
	if err := a.reopen(req, out, before); err != nil {
		a.finish()
		return a, nil, err
	}
	a.watch.arm()
	resp, err := t.Inner.RoundTrip(out)
	a.watch.rest(0)
	if err != nil {
		err = a.failed(err)
		if stalled := (*Stalled)(nil); errors.As(err, &stalled) {
			// The other connections may be as dead.
			t.CloseIdleConnections()
		}
		return a, nil, err
	}
	forget(out, resp)
	resp.Body = &download{attempt: a, body: resp.Body}
	if req.Method == http.MethodGet && resp.StatusCode == http.StatusOK && 0 < resp.ContentLength && resp.ContentLength <= t.Whole {
		if err := readWhole(resp); err != nil {
			return a, nil, err
		}
	}
	return a, resp, nil
}

// reopen gives the request its body, once more if there was an attempt before.
func (a *attempt) reopen(req, out *http.Request, before *attempt) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	if before != nil {
		// The body may be the same reader, which is read until it is closed.
		select {
		case <-before.sent.closed:
		case <-a.ctx.Done():
			return context.Cause(a.ctx)
		}
		body, err := req.GetBody()
		if err != nil {
			return err
		}
		out.Body = body
	}
	a.sent = &upload{watch: a.watch, body: out.Body, closed: make(chan struct{})}
	out.Body = a.sent
	return nil
}

// failed ends the attempt, and returns why it really failed.
func (a *attempt) failed(err error) error {
	if cause := context.Cause(a.ctx); cause != nil {
		err = cause
	}
	a.finish()
	if a.asked.Err() != nil {
		return a.asked.Err()
	}
	a.budget.lost(a.watch.since(), err)
	return err
}

// finish gives back everything that the attempt holds.
func (a *attempt) finish() {
	a.once.Do(func() {
		a.watch.rest(0)
		a.free()
		a.cancel(nil)
	})
}
